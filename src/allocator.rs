//! The allocator: the system's, but with a mapping of its own for each large block.
//!
//! glibc does this too, but once a mapping has been freed, it takes blocks up to that size, and at
//! most 32 MiB, from its heaps; and what is freed at the end of a heap that is not the first stays
//! there, whatever `malloc_trim` is told: after most vectors of a collection had been deleted, the
//! process kept more memory than before. A mapping is gone from the process once it is freed, and
//! with it whatever it contained.
//!
//! Linux limits the mappings of a process, to 65,530 unless it is told otherwise. Adjacent ones
//! count as one, so this is reached only if there are as many gaps between large blocks.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr::{copy_nonoverlapping, null_mut},
};

/// The size of a large block in bytes: the smallest chunks of vectors (`chunks.rs`) are as large.
const LARGE: usize = 256 << 10;
/// Mappings begin at a multiple of the size of a page, which is at least this.
const PAGE: usize = 4096;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

struct Allocator;

fn is_large(size: usize, align: usize) -> bool {
    size >= LARGE && align <= PAGE
}

/// A new mapping, of zeros; null if there is no memory.
fn map(size: usize) -> *mut u8 {
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: it is a new mapping, at an address that the system chooses.
    let mapped = unsafe { libc::mmap(null_mut(), size, access, kind, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return null_mut();
    }
    mapped.cast()
}

// SAFETY: a block comes from `map` if its layout is large and from the system's allocator if not,
// and goes back to where it came from. Both keep what they promise: a mapping is at least as large
// as asked for, is aligned to a page, and overlaps nothing. Nothing here panics or allocates.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout.size(), layout.align()) {
            // Where there are too many mappings to divide one, it stays.
            // SAFETY: the block is a mapping of this size, which nobody uses any more.
            unsafe { libc::munmap(block.cast(), layout.size()) };
        } else {
            // SAFETY: the block comes from there, with this layout.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (old_size, align) = (layout.size(), layout.align());
        match (is_large(old_size, align), is_large(new_size, align)) {
            // SAFETY: the block comes from there, with this layout.
            (false, false) => unsafe { System.realloc(block, layout, new_size) },
            (true, true) => {
                // SAFETY: the block is a mapping of this size. The pages are moved, not copied.
                let moved =
                    unsafe { libc::mremap(block.cast(), old_size, new_size, libc::MREMAP_MAYMOVE) };
                match moved == libc::MAP_FAILED {
                    // As above.
                    true if new_size <= old_size => block,
                    true => null_mut(),
                    false => moved.cast(),
                }
            }
            _ => {
                // SAFETY: the caller promises that the new size is possible with this alignment.
                let new = unsafe { self.alloc(Layout::from_size_align_unchecked(new_size, align)) };
                if !new.is_null() {
                    // SAFETY: both blocks are at least that long, and they are different ones.
                    unsafe {
                        copy_nonoverlapping(block, new, old_size.min(new_size));
                        self.dealloc(block, layout);
                    }
                }
                new
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::read_to_string,
        hint::black_box,
        slice::{from_raw_parts, from_raw_parts_mut},
    };

    use proptest::prelude::*;

    use super::*;

    fn size() -> impl Strategy<Value = usize> {
        prop_oneof![
            1usize..100,
            LARGE - 2..LARGE + 2,
            LARGE..4 * LARGE,
            (1usize..40).prop_map(|pages| pages * PAGE),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_block_keeps_its_contents_and_its_alignment_whatever_size_it_gets(
            first in size(), sizes in proptest::collection::vec(size(), 0..6),
            align in (0u32..14).prop_map(|log| 1usize << log), zeroed: bool,
        ) {
            let layout = |size| Layout::from_size_align(size, align).unwrap();
            let pattern = |at: usize| (at / 7 + 1) as u8;
            // SAFETY: the sizes are not zero, and each block is used with its own layout.
            unsafe {
                let mut block = match zeroed {
                    true => Allocator.alloc_zeroed(layout(first)),
                    false => Allocator.alloc(layout(first)),
                };
                let bytes = from_raw_parts_mut(block, first);
                if zeroed {
                    prop_assert!(bytes.iter().all(|&byte| byte == 0));
                }
                let mut filled = first;
                bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = pattern(at));
                let mut len = first;
                for size in sizes {
                    block = Allocator.realloc(block, layout(len), size);
                    prop_assert!(!block.is_null() && block.addr() % align == 0);
                    (len, filled) = (size, filled.min(size));
                    let kept = from_raw_parts(block, filled);
                    prop_assert!(kept.iter().enumerate().all(|(at, &byte)| byte == pattern(at)));
                }
                Allocator.dealloc(block, layout(len));
            }
        }
    }

    #[test]
    fn there_is_no_block_that_is_larger_than_the_memory() {
        // Nothing is mapped, and nothing of the smaller one is lost.
        let huge = isize::MAX as usize - PAGE;
        let layout = |size| Layout::from_size_align(size, 1).unwrap();
        // SAFETY: the sizes are not zero, and each block is used with its own layout.
        unsafe {
            assert!(Allocator.alloc(layout(huge)).is_null());
            for size in [1, LARGE] {
                let block = Allocator.alloc(layout(size));
                *block = 7;
                assert!(Allocator.realloc(block, layout(size), huge).is_null());
                assert_eq!(*block, 7);
                Allocator.dealloc(block, layout(size));
            }
        }
    }

    #[test]
    fn freed_memory_is_gone_from_the_process_while_blocks_before_and_after_it_are_in_use() {
        let resident = || -> i64 {
            let status = read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmRSS:"));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number.unwrap().parse::<i64>().unwrap() << 10
        };
        // From here on, the system's allocator would keep such blocks in its heap.
        let layout = Layout::from_size_align(31 << 20, 1).unwrap();
        // SAFETY: the size is not zero, and the block is freed with its own layout.
        unsafe { System.dealloc(black_box(System.alloc(layout)), layout) };
        // Much more than what other tests allocate at the same time.
        const COUNT: usize = 128;
        const SIZE: usize = 1 << 20;
        let blocks: Vec<_> = (0..2 * COUNT).map(|_| vec![1u8; SIZE]).collect();
        let before = resident();
        let kept: Vec<_> = blocks.into_iter().step_by(2).collect();
        let less = before - resident();
        assert!(less > (COUNT * SIZE / 2) as i64, "{less} bytes");
        assert!(kept.iter().all(|block| block[SIZE - 1] == 1));
    }
}
