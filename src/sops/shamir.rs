//! Shamir's secret sharing over GF(256), byte by byte: a share is the polynomial's values followed by its x.
//!
//! The field is that of AES (x^8 + x^4 + x^3 + x + 1). Multiplication is branch-free, so that timing does not
//! depend on the secret.

use zeroize::Zeroizing;

/// Why a secret cannot be split or put together.
#[derive(Debug, thiserror::Error)]
pub enum ShamirError {
    /// Fewer than two shares are needed, or more than there are, or more than 255 exist.
    #[error("a threshold of {threshold} with {shares} key groups is not possible: 2 to the number of groups, at most 255")]
    Threshold {
        /// Shares needed.
        threshold: usize,
        /// Shares made.
        shares: usize,
    },
    /// The shares do not belong together.
    #[error("the shares of the data key do not fit together")]
    Mismatch,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(#[from] getrandom::Error),
}

/// One share: as many bytes as the secret, then the x coordinate.
pub type Share = Zeroizing<Vec<u8>>;

/// Splits `secret` into `shares` parts, any `threshold` of which give it back.
///
/// # Errors
/// [`ShamirError::Threshold`] or [`ShamirError::Random`].
pub fn split(secret: &[u8], shares: usize, threshold: usize) -> Result<Vec<Share>, ShamirError> {
    if threshold < 2 || threshold > shares || shares > 255 {
        return Err(ShamirError::Threshold { threshold, shares });
    }
    let mut parts: Vec<Share> = (0..shares).map(|_| Zeroizing::new(Vec::with_capacity(secret.len() + 1))).collect();
    let mut coefficients = Zeroizing::new(vec![0; threshold - 1]);
    for &byte in secret {
        getrandom::fill(&mut coefficients)?;
        for (x, part) in (1..=u8::MAX).zip(&mut parts) {
            part.push(evaluate(byte, &coefficients, x));
        }
    }
    for (x, part) in (1..=u8::MAX).zip(&mut parts) {
        part.push(x);
    }
    Ok(parts)
}

/// Puts a secret together from as many shares as its threshold asks for. More shares do no harm; fewer give
/// a wrong secret, which only its use can tell.
///
/// # Errors
/// [`ShamirError::Mismatch`] for shares of different lengths, equal x coordinates or fewer than two shares.
pub fn combine(shares: &[Share]) -> Result<Zeroizing<Vec<u8>>, ShamirError> {
    let length = shares.first().map_or(0, |share| share.len());
    if shares.len() < 2 || length < 2 || shares.iter().any(|share| share.len() != length) {
        return Err(ShamirError::Mismatch);
    }
    let xs: Vec<u8> = shares.iter().map(|share| share[length - 1]).collect();
    let repeated = xs.iter().enumerate().any(|(i, x)| *x == 0 || xs[..i].contains(x));
    if repeated {
        return Err(ShamirError::Mismatch);
    }
    let weights: Vec<u8> = (0..xs.len()).map(|i| weight_at_zero(&xs, i)).collect();
    let mut secret = Zeroizing::new(Vec::with_capacity(length - 1));
    for at in 0..length - 1 {
        let terms = shares.iter().zip(&weights).map(|(share, weight)| multiply(share[at], *weight));
        secret.push(terms.fold(0, |sum, term| sum ^ term));
    }
    Ok(secret)
}

/// The polynomial `constant + c1·x + c2·x² + …` at `x`.
fn evaluate(constant: u8, coefficients: &[u8], x: u8) -> u8 {
    let high = coefficients.iter().rev().fold(0, |sum, c| multiply(sum, x) ^ c);
    multiply(high, x) ^ constant
}

/// Lagrange's basis polynomial number `i` at zero.
fn weight_at_zero(xs: &[u8], i: usize) -> u8 {
    let others = xs.iter().enumerate().filter(|(j, _)| *j != i);
    others.fold(1, |product, (_, x)| multiply(product, multiply(*x, invert(*x ^ xs[i]))))
}

/// The inverse in the field: the 254th power.
fn invert(a: u8) -> u8 {
    let power_127 = (0..6).fold(a, |power, _| multiply(multiply(power, power), a));
    multiply(power_127, power_127)
}

fn multiply(a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut shifted = a;
    for bit in 0..8 {
        product ^= shifted & 0u8.wrapping_sub((b >> bit) & 1);
        shifted = (shifted << 1) ^ (0x1b & 0u8.wrapping_sub(shifted >> 7));
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }

    #[test]
    fn any_two_of_three_shares_are_enough() {
        let secret = b"0123456789abcdef0123456789abcdef";
        let shares = split(secret, 3, 2).expect("splits");
        assert!(shares.iter().all(|share| share.len() == 33));
        for (i, j) in [(0, 1), (0, 2), (2, 1)] {
            let two = [shares[i].clone(), shares[j].clone()];
            assert_eq!(combine(&two).expect("combines").as_slice(), secret);
        }
        assert!(combine(&shares[..1]).is_err());
        assert!(split(secret, 3, 1).is_err());
    }
}
