//! Values that were computed from others: hashes of passwords, checksums, IDs of keys.

use crate::rule::lexicon::{CHECKSUM_ALGORITHMS, HASH_MARKS};

/// A one-way hash of a password in the usual notations: bcrypt, crypt, Apache, Argon2, LDAP,
/// Django, Werkzeug, MySQL and PostgreSQL.
pub(super) fn is_hash(value: &[u8]) -> bool {
    let hex = |mark: &[u8], digits: usize| {
        value.strip_prefix(mark).is_some_and(|rest| rest.len() == digits && rest.iter().all(u8::is_ascii_hexdigit))
    };
    HASH_MARKS.within(value) || hex(b"*", 40) || hex(b"md5", 32) || value.starts_with(b"sha1$") && value.len() > 46
}

/// `sha256:…`, `sha512-…`: a checksum with the name of its algorithm.
pub(super) fn is_checksum(value: &[u8]) -> bool {
    let named = |rest: &[u8]| matches!(rest.first(), Some(b':' | b'-')) && rest.len() > 16;
    CHECKSUM_ALGORITHMS.iter().any(|algorithm| value.strip_prefix(algorithm.as_bytes()).is_some_and(named))
}

/// `0x0A9AF2115F4687BD`: a key ID or fingerprint of OpenPGP, an address of a chain of blocks.
pub(super) fn is_key_id(value: &[u8]) -> bool {
    value.strip_prefix(b"0x").is_some_and(|digits| matches!(digits.len(), 8 | 16 | 40) && digits.iter().all(u8::is_ascii_hexdigit))
}
