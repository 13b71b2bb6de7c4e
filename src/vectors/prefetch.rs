//! Asking for memory before it is read.

/// The bytes of a cache line, as nearly every processor has them.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Asks for `items` to be brought into the cache while something else is done: the
/// neighbours of a node lie anywhere in memory, and waiting for them one after the other
/// is most of what a walk would do. Does nothing where the compiler offers no way to ask.
#[inline]
pub fn prefetch<T>(items: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let begin = items.as_ptr().cast::<i8>();
        for at in (0..size_of_val(items)).step_by(LINE) {
            // SAFETY: `at` lies within `items`, so the address is one inside of it; and a
            // prefetch is a hint, which neither reads the value nor can fault.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(begin.add(at)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = items;
}
