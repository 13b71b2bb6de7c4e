//! Prefetches memory before it is read.

/// The size of a cache line on nearly every processor.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Prefetches `items` into the cache while other work is done. The neighbours of a node lie
/// anywhere in memory, and waiting for them one after the other would be most of the cost of a
/// walk. Does nothing if the compiler offers no prefetch.
#[inline]
pub fn prefetch<T>(items: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let begin = items.as_ptr().cast::<i8>();
        for at in (0..size_of_val(items)).step_by(LINE) {
            // SAFETY: `at` is within `items`, so the address is inside it; and a prefetch is a
            // hint, which neither reads the value nor can fault.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(begin.add(at)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = items;
}
