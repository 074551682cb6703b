//! [`Problem`]: what may be wrong with a file, and how much it matters.

use crate::sops::mac::MacError;
use crate::sops::metadata::MetadataError;
use crate::sops::ops::DecryptError;
use crate::sops::recipient::short;
use crate::sops::store::ReadError;

/// Something wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(ReadError),
    /// A creation rule covers the file and nobody encrypted it.
    #[error("a creation rule covers this file, and it is not encrypted")]
    NotEncrypted,
    /// The name says that the file is encrypted, and it is not.
    #[error("its name says that it is encrypted with sops, and it is not")]
    PlainStore,
    /// Values are encrypted and the metadata is gone.
    #[error("holds encrypted values and no sops metadata, so nobody can decrypt them")]
    NoMetadata,
    /// The metadata is unusable.
    #[error("its sops metadata is unusable: {0}")]
    BadMetadata(MetadataError),
    /// The file holds no MAC, or it does not hold.
    #[error("{0}")]
    BadMac(MacError),
    /// The file does not decrypt.
    #[error("does not decrypt: {0}")]
    DoesNotDecrypt(DecryptError),
    /// A value stands plain where the selector promises encryption.
    #[error("`{path}` is plain text, although the selector says it is encrypted")]
    PlainValue {
        /// The keys, joined by dots.
        path: String,
    },
    /// An encrypted value that was cut or changed.
    #[error("`{path}` is an encrypted value that is damaged: nobody can decrypt it; take it from an older version of the file")]
    DamagedValue {
        /// The keys, joined by dots.
        path: String,
    },
    /// An encrypted value where the selector says plain: sops would hand out the ciphertext.
    #[error("`{path}` is encrypted, although the selector says it is plain; sops will not decrypt it")]
    EncryptedInPlainPlace {
        /// The keys, joined by dots.
        path: String,
    },
    /// The selector matches nothing.
    #[error("nothing is encrypted: the selector `{selector}` matches none of the {values} values")]
    NothingEncrypted {
        /// The selector.
        selector: String,
        /// How many values there are.
        values: usize,
    },
    /// Comments stand readable among encrypted values.
    #[error("{count} comment(s) among encrypted values are readable")]
    PlainComments {
        /// How many.
        count: usize,
    },
    /// Comments that look encrypted and do not open.
    #[error("{count} encrypted comment(s) do not open")]
    BrokenComments {
        /// How many.
        count: usize,
    },
    /// Two different values under one nonce: their contents can be computed from one another.
    #[error("`{path}` and another value share a nonce with different contents; rotate the data key")]
    NonceReused {
        /// The keys, joined by dots.
        path: String,
    },
    /// CRLF line ends break dotenv files.
    #[error("has CRLF line ends, which sops takes for part of the values; add `*.env text eol=lf` to .gitattributes")]
    CarriageReturns,
    /// Somebody can open the file whom the rule does not name.
    #[error("`{}` can open it and is not named by its creation rule; run updatekeys", short(.recipient))]
    UnknownRecipient {
        /// The recipient.
        recipient: String,
    },
    /// Somebody named by the rule cannot open the file.
    #[error("`{}` is named by its creation rule and cannot open it; run updatekeys", short(.recipient))]
    MissingRecipient {
        /// The recipient.
        recipient: String,
    },
    /// The selector is not that of the rule.
    #[error("its selector is {found}, and that of its creation rule is {expected}")]
    OtherSelector {
        /// The file's.
        found: String,
        /// The rule's.
        expected: String,
    },
    /// kustomize hands the ciphertext on.
    #[error("{kustomization} lists it among its resources, and kustomize does not decrypt: use a ksops generator, or Flux with decryption")]
    Undecrypted {
        /// The path of the kustomization.
        kustomization: String,
    },
    /// Only one key opens the file: if it is lost, so is the file.
    #[error("only one key can open it; if that is lost, so are its values")]
    SingleRecipient,
    /// Post-quantum and classic recipients together.
    #[error("it is encrypted for post-quantum and classic recipients: a quantum computer needs only the classic one")]
    MixedRecipients,
    /// The MAC covers only encrypted values.
    #[error("plain values can be changed unnoticed, because the MAC covers only encrypted ones (mac_only_encrypted)")]
    PlainValuesUnguarded,
    /// Keys, empty values or plain values are not those recorded, and the MAC does not tell.
    #[error("keys, empty values or plain values were changed without sops since its digest was recorded")]
    ChangedUnnoticed,
    /// Somebody with the data key has written the file since.
    #[error("it was written since its digest was recorded; look at the change and run `sopup doctor --record`")]
    DigestOutdated,
    /// Others have a digest, this file has none.
    #[error("no digest of it is recorded; run `sopup doctor --record`")]
    NoDigest,
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Weight {
    /// Worth knowing: a risk that somebody may have taken on purpose.
    Warning,
    /// Something is readable, lost, changed or open to somebody that should not be.
    Error,
}

impl Problem {
    /// How much it matters.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self {
            Self::PlainComments { .. }
            | Self::MissingRecipient { .. }
            | Self::OtherSelector { .. }
            | Self::Undecrypted { .. }
            | Self::SingleRecipient
            | Self::MixedRecipients
            | Self::PlainValuesUnguarded
            | Self::DigestOutdated
            | Self::NoDigest => Weight::Warning,
            _ => Weight::Error,
        }
    }

    /// A name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotEncrypted => "not-encrypted",
            Self::PlainStore => "plain-store",
            Self::NoMetadata => "no-metadata",
            Self::BadMetadata(_) => "bad-metadata",
            Self::BadMac(_) => "bad-mac",
            Self::DoesNotDecrypt(_) => "does-not-decrypt",
            Self::PlainValue { .. } => "plain-value",
            Self::DamagedValue { .. } => "damaged-value",
            Self::EncryptedInPlainPlace { .. } => "encrypted-in-plain-place",
            Self::NothingEncrypted { .. } => "nothing-encrypted",
            Self::PlainComments { .. } => "plain-comments",
            Self::BrokenComments { .. } => "broken-comments",
            Self::NonceReused { .. } => "nonce-reused",
            Self::CarriageReturns => "carriage-returns",
            Self::UnknownRecipient { .. } => "unknown-recipient",
            Self::MissingRecipient { .. } => "missing-recipient",
            Self::OtherSelector { .. } => "other-selector",
            Self::Undecrypted { .. } => "undecrypted",
            Self::SingleRecipient => "single-recipient",
            Self::MixedRecipients => "mixed-recipients",
            Self::PlainValuesUnguarded => "plain-values-unguarded",
            Self::ChangedUnnoticed => "changed-unnoticed",
            Self::DigestOutdated => "digest-outdated",
            Self::NoDigest => "no-digest",
        }
    }
}
