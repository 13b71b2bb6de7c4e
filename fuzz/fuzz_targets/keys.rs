#![no_main]

mod driver;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vectorizer_native_fuzz::keys::run(bytes));
