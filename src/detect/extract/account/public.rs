//! Account numbers that are no secret of anybody's: those AWS uses in documentation, and those
//! under which AWS and distributors publish images and collect logs.

use crate::rule::lexicon::{EXAMPLE_ACCOUNTS, PUBLIC_ACCOUNTS};

/// Whether a number of twelve digits is public knowledge.
pub(super) fn is_public(number: &str) -> bool {
    let digits: std::collections::BTreeSet<u8> = number.bytes().collect();
    let made_up = digits.len() <= 3
        || number.starts_with("12345678")
        || number.starts_with("000")
        || number.ends_with("234567890")
        || is_of_runs(number)
        || is_of_patterns(number);
    made_up || EXAMPLE_ACCOUNTS.has(number) || PUBLIC_ACCOUNTS.has(number)
}

/// `444111222555`, `112233445566`: no digit stands alone.
fn is_of_runs(number: &str) -> bool {
    let digits = number.as_bytes();
    (0..digits.len()).all(|at| at > 0 && digits[at - 1] == digits[at] || digits.get(at + 1) == Some(&digits[at]))
}

/// `808012348080`, `345634563456`: each block of four is counted up or down, made of pairs, or the same as another.
fn is_of_patterns(number: &str) -> bool {
    let blocks: Vec<&[u8]> = number.as_bytes().chunks(4).collect();
    let steps = |block: &[u8], step: u8| block.windows(2).all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0');
    let plain = |block: &[u8]| {
        steps(block, 1) || steps(block, 9) || steps(block, 0) || block[..2] == block[2..] || block[0] == block[1] && block[2] == block[3]
    };
    let same = |at: usize| (0..blocks.len()).any(|other| other != at && blocks[other] == blocks[at]);
    (0..blocks.len()).all(|at| plain(blocks[at]) || same(at))
}
