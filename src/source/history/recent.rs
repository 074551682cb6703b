//! Entries of trees that were seen lately. Versions of a large folder that are not stored as deltas
//! repeat nearly all of their entries; recognising them costs less than looking each up.

/// Entries that are remembered.
const SLOTS: usize = 1 << 14;

/// Bytes for each: its length and the entry; longer ones are not remembered.
const SLOT: usize = 80;

/// Some of the entries that were seen; the id decides which one another replaces.
pub(super) struct Recent(Vec<u8>);

impl Default for Recent {
    fn default() -> Self {
        // Zeroed pages cost nothing until they are used.
        Self(vec![0; SLOTS * SLOT])
    }
}

impl Recent {
    /// Whether exactly this entry is remembered; from now on it is.
    pub(super) fn repeated(&mut self, entry: &[u8]) -> bool {
        let Some(&[high, low]) = entry.last_chunk().filter(|_| entry.len() < SLOT) else { return false };
        let slot = usize::from(u16::from_be_bytes([high, low])) % SLOTS;
        let slot = &mut self.0[slot * SLOT..][..=entry.len()];
        let (len, bytes) = slot.split_at_mut(1);
        if usize::from(len[0]) == entry.len() && bytes == entry {
            return true;
        }
        len[0] = entry.len() as u8;
        bytes.copy_from_slice(entry);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_entry_is_repeated() {
        let mut recent = Recent::default();
        let entries: [&[u8]; 4] = [b"100644 a\0same id", b"100644 b\0same id", b"100644 a\0same i", b""];
        for entry in entries {
            assert!(!recent.repeated(entry));
            assert_eq!(recent.repeated(entry), !entry.is_empty());
        }
        assert!(!recent.repeated(entries[0]), "another one took its place");
        let long = [7; SLOT];
        assert!(!recent.repeated(&long) && !recent.repeated(&long));
    }
}
