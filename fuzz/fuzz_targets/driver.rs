//! Starts the fuzzer. It brings a `main` of its own, but the linker would find another one
//! first: that of a probe for a processor's features, in a library with distance kernels.

use std::ffi::{c_char, c_int};

use libfuzzer_sys::test_input_wrap;

type Run = unsafe extern "C" fn(*const u8, usize) -> c_int;

unsafe extern "C" {
    fn LLVMFuzzerRunDriver(
        count: *mut c_int,
        arguments: *mut *const *const c_char,
        run: Run,
    ) -> c_int;
}

extern "C" fn run(input: *const u8, len: usize) -> c_int {
    // SAFETY: the fuzzer's input, passed on.
    unsafe { test_input_wrap(input, len) }
}

#[unsafe(no_mangle)]
extern "C" fn main(mut count: c_int, mut arguments: *const *const c_char) -> c_int {
    // SAFETY: these are the arguments as the system passes them.
    unsafe { LLVMFuzzerRunDriver(&mut count, &mut arguments, run) }
}
