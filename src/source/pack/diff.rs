//! Deltas: writing one, from what a text has in common with another one.

/// What is looked for elsewhere in the base, in bytes.
const BLOCK: usize = 16;
/// One instruction copies so much at most, as those of git do.
const LONGEST_COPY: usize = 0x1_0000;
/// One instruction inserts so much at most.
const LONGEST_INSERT: usize = 127;

/// The instructions that make `target` of `base`; `None` if they are longer than `most` bytes.
#[must_use]
pub fn delta(base: &[u8], target: &[u8], most: usize) -> Option<Vec<u8>> {
    // Places are numbers of 32 bits.
    u32::try_from(base.len()).ok()?;
    let (before, behind) = shared_ends(base, target);
    let mut out = Vec::new();
    put_size(&mut out, base.len());
    put_size(&mut out, target.len());
    put_copy(&mut out, 0, before);
    let (middle, new) = (&base[before..base.len() - behind], &target[before..target.len() - behind]);
    let blocks = Blocks::of(middle);
    let (mut at, mut pending) = (0, 0);
    while out.len() <= most {
        let Some(block) = new.get(at..at + BLOCK) else { break };
        let Some(from) = blocks.find(middle, block) else {
            at += 1;
            continue;
        };
        let back = from.min(at - pending);
        let back = (1..=back).take_while(|&by| middle[from - by] == new[at - by]).count();
        let ahead = shared_start(&middle[from..], &new[at..]);
        put_insert(&mut out, &new[pending..at - back]);
        put_copy(&mut out, before + from - back, back + ahead);
        at += ahead;
        pending = at;
    }
    if out.len() + (new.len() - pending) > most {
        return None;
    }
    put_insert(&mut out, &new[pending..]);
    put_copy(&mut out, base.len() - behind, behind);
    (out.len() <= most).then_some(out)
}

/// How many bytes two texts have in common at their starts, and of the rest at their ends.
#[must_use]
pub fn shared_ends(a: &[u8], b: &[u8]) -> (usize, usize) {
    let start = shared_start(a, b);
    let (a, b) = (&a[start..], &b[start..]);
    let shorter = a.len().min(b.len());
    let (a, b) = (&a[a.len() - shorter..], &b[b.len() - shorter..]);
    let whole = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = a[..shorter - whole].iter().rev().zip(b[..shorter - whole].iter().rev()).take_while(|(a, b)| a == b).count();
    (start, whole + rest)
}

fn shared_start(a: &[u8], b: &[u8]) -> usize {
    let whole = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    whole + a[whole..].iter().zip(&b[whole..]).take_while(|(a, b)| a == b).count()
}

/// Where the blocks of a text are; of those with one hash the first.
struct Blocks {
    /// The place and one more, by hash; 0 for none.
    places: Vec<u32>,
    bits: u32,
}

impl Blocks {
    fn of(text: &[u8]) -> Self {
        let count = text.len() / BLOCK;
        let bits = (2 * count).next_power_of_two().ilog2().clamp(1, 24);
        let mut blocks = Self { places: vec![0; if count == 0 { 0 } else { 1 << bits }], bits };
        for (number, block) in text.chunks_exact(BLOCK).enumerate().rev() {
            let hash = blocks.hash(block);
            blocks.places[hash] = (number * BLOCK + 1) as u32;
        }
        blocks
    }

    fn find(&self, text: &[u8], block: &[u8]) -> Option<usize> {
        let place = *self.places.get(self.hash(block))?;
        let place = (place as usize).checked_sub(1)?;
        (text[place..].starts_with(block)).then_some(place)
    }

    fn hash(&self, block: &[u8]) -> usize {
        let half = |at: usize| u64::from_le_bytes(*block[at..].first_chunk().expect("blocks have 16 bytes"));
        let mixed = (half(0) ^ half(8).rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - self.bits)) as usize
    }
}

fn put_size(out: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
}

fn put_copy(out: &mut Vec<u8>, mut from: usize, mut len: usize) {
    while len > 0 {
        let now = len.min(LONGEST_COPY);
        let code = out.len();
        out.push(0x80);
        // A size of 0x10000 is written as none.
        let size = if now == LONGEST_COPY { 0 } else { now };
        let bytes = (from as u32).to_le_bytes().into_iter().chain((size as u16).to_le_bytes());
        for (bit, byte) in bytes.enumerate().filter(|(_, byte)| *byte != 0) {
            out[code] |= 1 << bit;
            out.push(byte);
        }
        from += now;
        len -= now;
    }
}

fn put_insert(out: &mut Vec<u8>, new: &[u8]) {
    for piece in new.chunks(LONGEST_INSERT) {
        out.push(piece.len() as u8);
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{apply, parse_ops};
    use super::*;

    fn applied(base: &[u8], delta: &[u8]) -> Vec<u8> {
        let (mut ops, mut out) = (Vec::new(), Vec::new());
        parse_ops(delta, base.len(), usize::MAX, &mut ops).expect("sound");
        apply(base, delta, &ops, &mut out);
        out
    }

    /// Numbers that look random and are the same each time.
    fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as usize) % below.max(1)
        }
    }

    #[test]
    fn deltas_make_the_target_again() {
        let mut number = numbers(5);
        for round in 0..3_000 {
            let few = 2 + number(250);
            let base: Vec<u8> = (0..number(if round % 100 == 0 { 300_000 } else { 900 })).map(|_| number(few) as u8).collect();
            let mut target = Vec::new();
            for _ in 0..number(6) {
                let from = number(base.len());
                target.extend_from_slice(&base[from..from + number(base.len() - from + 1)]);
                target.extend((0..number(300)).map(|_| number(few) as u8));
            }
            let written = delta(&base, &target, usize::MAX).expect("any length is fine");
            assert_eq!(applied(&base, &written), target);
            assert!(delta(&base, &target, written.len()).is_some_and(|again| again == written));
            assert_eq!(delta(&base, &target, written.len() - 1), None);
        }
    }

    #[test]
    fn what_moved_is_copied() {
        let block: Vec<u8> = (0..=255).collect();
        let (base, target) = ([&block[..], b"middle", &[7; 200]].concat(), [b"new", &[7; 200][..], b"-", &block[..]].concat());
        let written = delta(&base, &target, usize::MAX).expect("any length is fine");
        assert!(written.len() < 40, "{written:?}");
        assert_eq!(applied(&base, &written), target);
    }
}
