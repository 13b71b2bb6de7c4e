//! Starts the fuzzer. libFuzzer brings its own `main`, but the linker would find another one first:
//! that of a probe for processor features, in a library with distance kernels.

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
    // SAFETY: the fuzzer's input, passed on unchanged.
    unsafe { test_input_wrap(input, len) }
}

#[unsafe(no_mangle)]
extern "C" fn main(mut count: c_int, mut arguments: *const *const c_char) -> c_int {
    // SAFETY: the arguments are passed on as the system provides them.
    unsafe { LLVMFuzzerRunDriver(&mut count, &mut arguments, run) }
}
