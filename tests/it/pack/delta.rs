//! Deltas made by hand, in packs made by hand, against the rules of the
//! format.

use proptest::prelude::*;
use sopup::source::object::HashKind;

use super::writer::{Entry, PackWriter};

/// One instruction, before it is encoded.
#[derive(Clone, Debug)]
enum Op {
    Copy(usize, usize),
    Insert(Vec<u8>),
}

fn size(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn encode(base: &[u8], ops: &[Op]) -> (Vec<u8>, Vec<u8>) {
    let mut result = Vec::new();
    let mut body = Vec::new();
    for op in ops {
        match op {
            Op::Copy(from, len) => {
                result.extend_from_slice(&base[*from..from + len]);
                let at = body.len();
                body.push(0x80);
                for (bit, byte) in (from | len << 32).to_le_bytes().into_iter().take(7).enumerate() {
                    if byte != 0 {
                        body[at] |= 1 << bit;
                        body.push(byte);
                    }
                }
            }
            Op::Insert(new) => {
                result.extend_from_slice(new);
                body.push(new.len() as u8);
                body.extend_from_slice(new);
            }
        }
    }
    let mut delta = Vec::new();
    size(base.len(), &mut delta);
    size(result.len(), &mut delta);
    delta.extend(body);
    (delta, result)
}

fn case() -> impl Strategy<Value = (Vec<u8>, Vec<Op>)> {
    prop::collection::vec(any::<u8>(), 1..400).prop_flat_map(|base| {
        let len = base.len();
        let copy = (0..len).prop_flat_map(move |from| (Just(from), 1..=len - from).prop_map(|(from, len)| Op::Copy(from, len)));
        let insert = prop::collection::vec(any::<u8>(), 1..=127).prop_map(Op::Insert);
        let ops = prop::collection::vec(prop_oneof![copy, insert], 1..30);
        (Just(base), ops)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_chain_of_deltas_gives_what_its_instructions_say((base, ops) in case(), again in any::<u8>()) {
        let (delta, first) = encode(&base, &ops);
        let (second_delta, second) = encode(&first, &[Op::Copy(0, first.len()), Op::Insert(vec![again])]);
        let mut pack = PackWriter::new(HashKind::Sha1);
        let root = pack.add(Entry::Blob(&base));
        let child = pack.add(Entry::Before(root, &delta));
        pack.add(Entry::Before(child, &second_delta));
        let seen = pack.see(&[&base, &first, &second]);
        prop_assert_eq!(seen.skips, vec![]);
        let mut expected = vec![base, first, second];
        expected.sort();
        expected.dedup();
        let mut given: Vec<_> = seen.objects.into_values().map(|(_, bytes)| bytes).collect();
        given.sort();
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn random_instructions_never_panic(base in prop::collection::vec(any::<u8>(), 0..100), delta in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut pack = PackWriter::new(HashKind::Sha1);
        let root = pack.add(Entry::Blob(&base));
        let mut sized = Vec::new();
        size(base.len(), &mut sized);
        sized.extend(&delta);
        pack.add(Entry::Before(root, &sized));
        pack.add(Entry::Before(root, &delta));
        let seen = pack.see(&[&base]);
        prop_assert!(seen.objects.len() + seen.skips.len() >= 3);
        for skip in seen.skips {
            prop_assert!(skip.id.is_some());
        }
    }
}
