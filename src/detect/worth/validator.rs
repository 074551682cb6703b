//! Checks that a credential passes on its own: checksums and inner structure.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::rule::Validator;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Whether the credential passes.
pub(in crate::detect) fn passes(validator: Validator, value: &[u8]) -> bool {
    match validator {
        Validator::Crc32Base62 => crc32_base62(value),
        Validator::Jwt => jwt(value),
        Validator::AwsAccessKeyId => aws_account(value).is_some(),
        Validator::Base64 => base64(value).is_some(),
        Validator::Base64Pair => base64(value).is_some_and(|bytes| bytes.contains(&b':')),
        Validator::Base64Json => base64(value).is_some_and(|bytes| is_json_object(&bytes)),
        Validator::Uuid => uuid(value),
        Validator::Nkey => nkey(value),
    }
}

/// Decodes either alphabet, with or without padding; `None` for anything else.
pub(in crate::detect) fn base64(value: &[u8]) -> Option<Vec<u8>> {
    engine(value).decode(value).ok()
}

/// What decodes the alphabet of a value.
pub(in crate::detect) fn engine(value: &[u8]) -> &'static GeneralPurpose {
    let url_safe = value.iter().any(|byte| matches!(byte, b'-' | b'_'));
    if url_safe { &URL_SAFE } else { &STANDARD }
}

/// GitHub and npm end a token with the CRC-32 of its random part, as six digits of base 62
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>).
fn crc32_base62(value: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = value.rsplit(|&byte| byte == b'_').next().unwrap_or(value);
    let Some((random, checksum)) = body.len().checked_sub(6).map(|at| body.split_at(at)) else { return false };
    let mut rest = crc32fast::hash(random);
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    checksum == expected
}

/// The account number inside an AWS access key ID: 40 bits from the fifth character on, in base
/// 32, less their lowest seven. Older keys, whose first such character is below `Q`, hold none
/// and yield `Some(None)`.
pub(in crate::detect) fn aws_account(value: &[u8]) -> Option<Option<u64>> {
    let body = value.get(4..)?;
    if body.len() != 16 {
        return None;
    }
    let mut bits = 0_u128;
    for &byte in body {
        bits = (bits << 5) | u128::from(base32_digit(byte)?);
    }
    let first_48 = (bits >> 32) as u64 & 0xffff_ffff_ffff;
    let account = (first_48 & 0x7fff_ffff_ff80) >> 7;
    Some((body[0] >= b'Q' && account < 1_000_000_000_000).then_some(account))
}

/// The bytes that the base 32 digits of a text hold; the bits that make no whole byte are dropped.
fn base32(value: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(value.len() * 5 / 8), 0_u32, 0);
    for &byte in value {
        bits = bits << 5 | u32::from(base32_digit(byte)?);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

fn base32_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

/// A key of NATS ends with its CRC-16, the lower byte first (<https://github.com/nats-io/nkeys>).
fn nkey(value: &[u8]) -> bool {
    const POLYNOMIAL: u16 = 0x1021;
    let Some(bytes) = base32(value) else { return false };
    let Some((key, checksum)) = bytes.split_last_chunk::<2>() else { return false };
    let step = |crc: u16, &byte: &u8| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ POLYNOMIAL })
    };
    key.iter().fold(0, step) == u16::from_le_bytes(*checksum)
}

fn jwt(value: &[u8]) -> bool {
    let mut parts = value.split(|&byte| byte == b'.');
    let mut object =
        || parts.next().and_then(base64).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()).filter(Value::is_object);
    object().zip(object()).is_some_and(|(header, payload)| !is_of_nats_server(&header, &payload))
}

/// What a server of NATS knows of its accounts and operators: signed for all to read, and no login.
fn is_of_nats_server(header: &Value, payload: &Value) -> bool {
    let signed = header["alg"].as_str().is_some_and(|algorithm| algorithm.starts_with("ed25519"));
    let kind = payload["nats"]["type"].as_str().or(payload["type"].as_str());
    signed && matches!(kind, Some("account" | "operator"))
}

fn is_json_object(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes).is_ok()
}

fn uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Shannon entropy in bits per byte.
pub(in crate::detect) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) / total).map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_checksum() {
        // Worked out apart from this code: zlib.crc32 of the 30 characters, in base 62.
        assert!(crc32_base62(b"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"));
        assert!(!crc32_base62(b"ghp_X06gWO60Rp2Jak2RvYK4jOVpb3boHm1GwWEj"));
        assert!(!crc32_base62(b"ghp_"));
    }

    #[test]
    fn aws_key_ids_hold_their_account() {
        // A published pair: key ASIAQNZGKIQY56JQ7WML belongs to account 029608264753.
        assert_eq!(aws_account(b"ASIAQNZGKIQY56JQ7WML"), Some(Some(29_608_264_753)));
        assert_eq!(aws_account(b"AKIAIOSFODNN7EXAMPLE"), Some(None));
        assert_eq!(aws_account(b"AKIA0000"), None);
    }

    #[test]
    fn json_web_tokens_need_two_objects() {
        assert!(jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"));
        assert!(!jwt(b"eyJhbGciOiJIUzI1NiJ9.bm90IGpzb24.c2ln"));
    }

    #[test]
    fn entropy_is_in_bits_per_byte() {
        assert!(entropy(b"aaaaaaaa") < 0.01);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 1e-9);
    }
}
