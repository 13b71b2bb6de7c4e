//! An addon with bugs, one for each kind of access that the run under AddressSanitizer must detect,
//! and a correct function. It is not part of the package: it shows that the run can fail. It is
//! built like the package, with C next to Rust. Only the part of Node-API that it uses is declared.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    hint::black_box,
    ptr::null_mut,
    thread,
};

type Handle = *mut c_void;
type Function = extern "C" fn(Handle, Handle) -> Handle;

unsafe extern "C" {
    fn napi_create_double(env: Handle, number: f64, made: *mut Handle) -> c_int;
    fn napi_create_function(
        env: Handle,
        name: *const c_char,
        length: usize,
        function: Function,
        data: Handle,
        made: *mut Handle,
    ) -> c_int;
    fn napi_get_cb_info(
        env: Handle,
        info: Handle,
        count: *mut usize,
        arguments: *mut Handle,
        this: *mut Handle,
        data: *mut Handle,
    ) -> c_int;
    fn napi_get_typedarray_info(
        env: Handle,
        array: Handle,
        kind: *mut c_int,
        length: *mut usize,
        data: *mut *mut f32,
        buffer: *mut Handle,
        offset: *mut usize,
    ) -> c_int;
    fn napi_set_named_property(
        env: Handle,
        object: Handle,
        name: *const c_char,
        value: Handle,
    ) -> c_int;
    fn sum(values: *const f32, count: usize) -> f32;
}

/// The argument, a Float32Array: a pointer to its values, and their number.
fn values(env: Handle, info: Handle) -> (*mut f32, usize) {
    let (mut count, mut array, mut data, mut length) = (1, null_mut(), null_mut(), 0);
    // SAFETY: the handles are those of this call, and the pointers are to our own variables.
    unsafe {
        napi_get_cb_info(env, info, &mut count, &mut array, null_mut(), null_mut());
        let (kind, buffer, offset) = (null_mut(), null_mut(), null_mut());
        napi_get_typedarray_info(env, array, kind, &mut length, &mut data, buffer, offset);
    }
    (data, length)
}

fn number(env: Handle, number: f32) -> Handle {
    let mut made = null_mut();
    // SAFETY: as above.
    unsafe { napi_create_double(env, number.into(), &mut made) };
    made
}

extern "C" fn sound(env: Handle, info: Handle) -> Handle {
    let (data, length) = values(env, info);
    // SAFETY: the array has that many values.
    number(env, unsafe { sum(data, length) })
}

extern "C" fn read_beyond_an_array(env: Handle, info: Handle) -> Handle {
    let (data, length) = values(env, info);
    number(env, unsafe { *black_box(data.add(length)) })
}

extern "C" fn write_beyond_an_array(env: Handle, info: Handle) -> Handle {
    let (data, length) = values(env, info);
    unsafe { *black_box(data.add(length)) = 1.0 };
    null_mut()
}

extern "C" fn read_beyond_an_array_in_c(env: Handle, info: Handle) -> Handle {
    let (data, length) = values(env, info);
    number(env, unsafe { sum(data, length + 1) })
}

extern "C" fn read_what_is_freed(env: Handle, info: Handle) -> Handle {
    let (data, length) = values(env, info);
    let copy = unsafe { std::slice::from_raw_parts(data, length) }.to_vec();
    let first = black_box(copy.as_ptr());
    drop(copy);
    number(env, unsafe { *first })
}

extern "C" fn free_twice_on_another_thread(env: Handle, info: Handle) -> Handle {
    let (_, length) = values(env, info);
    let address = Box::into_raw(Box::new(length)) as usize;
    let free = move || drop(unsafe { Box::from_raw(address as *mut usize) });
    let _ = thread::spawn(free).join();
    let _ = thread::spawn(free).join();
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn napi_register_module_v1(env: Handle, exports: Handle) -> Handle {
    let functions: [(&CStr, Function); 6] = [
        (c"sound", sound),
        (c"readBeyondAnArray", read_beyond_an_array),
        (c"writeBeyondAnArray", write_beyond_an_array),
        (c"readBeyondAnArrayInC", read_beyond_an_array_in_c),
        (c"readWhatIsFreed", read_what_is_freed),
        (c"freeTwiceOnAnotherThread", free_twice_on_another_thread),
    ];
    for (name, function) in functions {
        let mut made = null_mut();
        // SAFETY: the handles are those of this call, and the names are zero-terminated.
        unsafe {
            napi_create_function(
                env,
                name.as_ptr(),
                usize::MAX,
                function,
                null_mut(),
                &mut made,
            );
            napi_set_named_property(env, exports, name.as_ptr(), made);
        }
    }
    exports
}
