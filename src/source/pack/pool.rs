//! Buffers that one thread uses again instead of giving them back.

/// Buffers for the next objects.
#[derive(Default)]
pub(super) struct Pool {
    buffers: Vec<Vec<u8>>,
}

/// Buffers kept at most.
const POOLED: usize = 16;

/// Larger buffers are not kept, in bytes.
const LARGEST_POOLED: usize = 4 << 20;

impl Pool {
    /// A buffer that holds `size` bytes and not too many more.
    pub(super) fn take(&mut self, size: usize) -> Vec<u8> {
        let fits = |buffer: &Vec<u8>| (size..=4 * size + 4096).contains(&buffer.capacity());
        match self.buffers.iter().rposition(fits) {
            Some(at) => self.buffers.swap_remove(at),
            None => Vec::new(),
        }
    }

    /// Takes a buffer back.
    pub(super) fn put(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() == 0 || buffer.capacity() > LARGEST_POOLED {
            return;
        }
        if self.buffers.len() == POOLED {
            self.buffers.swap_remove(0);
        }
        self.buffers.push(buffer);
    }
}
