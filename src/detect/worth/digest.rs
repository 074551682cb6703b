//! Values that were computed from others: hashes of passwords, checksums, IDs of keys.

/// A one-way hash of a password in the usual notations: bcrypt, crypt, Apache, Argon2, LDAP,
/// Django, Werkzeug, MySQL and PostgreSQL.
pub(super) fn is_hash(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 20] = [
        b"$2a$",
        b"$2b$",
        b"$2y$",
        b"$apr1$",
        b"$1$",
        b"$5$",
        b"$6$",
        b"$y$",
        b"$argon2",
        b"{SHA}",
        b"{SSHA}",
        b"{SSHA512}",
        b"{SSHA256}",
        b"{MD5}",
        b"{SMD5}",
        b"{CRYPT}",
        b"pbkdf2",
        b"scrypt:",
        b"SCRAM-SHA-256",
        b"SCRAM-SHA-1",
    ];
    let hex = |mark: &[u8], digits: usize| {
        value.strip_prefix(mark).is_some_and(|rest| rest.len() == digits && rest.iter().all(u8::is_ascii_hexdigit))
    };
    MARKS.iter().any(|mark| memchr::memmem::find(value, mark).is_some())
        || hex(b"*", 40)
        || hex(b"md5", 32)
        || value.starts_with(b"sha1$") && value.len() > 46
}

/// `sha256:…`, `sha512-…`: a checksum with the name of its algorithm.
pub(super) fn is_checksum(value: &[u8]) -> bool {
    const ALGORITHMS: [&[u8]; 5] = [b"sha1", b"sha256", b"sha384", b"sha512", b"md5"];
    let named = |rest: &[u8]| matches!(rest.first(), Some(b':' | b'-')) && rest.len() > 16;
    ALGORITHMS.iter().any(|algorithm| value.strip_prefix(*algorithm).is_some_and(named))
}

/// `0x0A9AF2115F4687BD`: a key ID or fingerprint of OpenPGP, an address of a chain of blocks.
pub(super) fn is_key_id(value: &[u8]) -> bool {
    value.strip_prefix(b"0x").is_some_and(|digits| matches!(digits.len(), 8 | 16 | 40) && digits.iter().all(u8::is_ascii_hexdigit))
}
