//! The fuzzer's input as a source of choices.

/// Returns zeros when nothing is left, so that every input is meaningful.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn below(&mut self, bound: u8) -> usize {
        usize::from(self.byte() % bound)
    }

    /// At most `len` bytes.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        head
    }

    /// A small number, one at an edge, or any.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            255 => u64::MAX,
            254 => u64::MAX - 1,
            253 => i64::MAX as u64,
            252 => 1 << 63,
            251 => u64::from(u32::MAX),
            250 => u64::from(u32::MAX) - 1,
            249 => u64::from(u32::MAX) + 1,
            248 => {
                let mut eight = [0; 8];
                let bytes = self.take(8);
                eight[..bytes.len()].copy_from_slice(bytes);
                u64::from_le_bytes(eight)
            }
            small => small.into(),
        }
    }
}
