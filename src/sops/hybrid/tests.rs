//! Against the examples of the age specification and a file of typage.

use std::io::Read;

use age::armor::ArmoredReader;
use age::{Decryptor, Encryptor, Identity as _, Recipient as _};
use hpke::{Deserializable, Kem, Serializable};

use super::*;

const IDENTITY: &str = include_str!("../../../fixtures/sops/post-quantum/identity.txt");
const RECIPIENT: &str = include_str!("../../../fixtures/sops/post-quantum/recipient.txt");
const STANZA: &str = include_str!("../../../fixtures/sops/post-quantum/stanza.txt");
const TYPAGE: &str = include_str!("../../../fixtures/sops/post-quantum/typage.age");

fn identity() -> Identity {
    Identity::parse(IDENTITY.trim()).expect("an identity")
}

fn recipient() -> Recipient {
    Recipient::parse(RECIPIENT.trim()).expect("a recipient")
}

fn other() -> Identity {
    Identity(PrivateKey::from_bytes(&[7; 32]).expect("a seed"))
}

fn stanza() -> Stanza {
    let mut words = STANZA.split_whitespace().skip(1).map(str::to_owned);
    let (tag, share, body) = (words.next().expect("a tag"), words.next().expect("a share"), words.next().expect("a body"));
    Stanza { tag, args: vec![share], body: BASE64_STANDARD_NO_PAD.decode(body).expect("base64") }
}

#[test]
fn an_identity_tells_its_recipient() {
    assert_eq!(identity().public(), RECIPIENT.trim());
}

#[test]
fn the_stanza_of_the_specification_opens() {
    assert!(identity().unwrap_stanza(&stanza()).expect("a stanza of its kind").is_ok());
    assert!(other().unwrap_stanza(&stanza()).is_none(), "a stanza for somebody else is passed over");
}

#[test]
fn what_typage_encrypts_opens() {
    let decryptor = Decryptor::new(ArmoredReader::new(TYPAGE.as_bytes())).expect("an age file");
    let mut plain = String::new();
    let identities = [&other() as &dyn age::Identity, &identity()];
    decryptor.decrypt(identities.into_iter()).expect("opens").read_to_string(&mut plain).expect("reads");
    assert_eq!(plain, "0123456789abcdef".repeat(2));
}

#[test]
fn what_is_wrapped_opens_again_and_only_with_its_identity() {
    let key = FileKey::new(Box::new([5; 16]));
    let (stanzas, labels) = recipient().wrap_file_key(&key).expect("wraps");
    assert_eq!(labels, HashSet::from(["postquantum".to_owned()]));
    let opened = identity().unwrap_stanzas(&stanzas).expect("is for it").expect("opens");
    assert_eq!(opened.expose_secret(), key.expose_secret());
    assert!(other().unwrap_stanzas(&stanzas).is_none());
}

#[test]
fn age_puts_no_classic_recipient_beside_it() {
    let classic = age::x25519::Identity::generate().to_public();
    let both = [&recipient() as &dyn age::Recipient, &classic];
    let encryptor = Encryptor::with_recipients(both.into_iter());
    assert!(matches!(encryptor.err(), Some(EncryptError::IncompatibleRecipients { .. })));
}

#[test]
fn malformed_stanzas_are_errors() {
    let is_error = |change: &dyn Fn(&mut Stanza)| {
        let mut changed = stanza();
        change(&mut changed);
        matches!(identity().unwrap_stanza(&changed), Some(Err(DecryptError::InvalidHeader)))
    };
    assert!(is_error(&|stanza| stanza.args.clear()));
    assert!(is_error(&|stanza| stanza.args.push("x".to_owned())));
    assert!(is_error(&|stanza| _ = stanza.args[0].pop()));
    assert!(is_error(&|stanza| stanza.args[0].push('=')));
    assert!(is_error(&|stanza| _ = stanza.body.pop()));
    assert!(is_error(&|stanza| stanza.body.push(0)));
    let mut foreign = stanza();
    foreign.tag = "X25519".to_owned();
    assert!(identity().unwrap_stanza(&foreign).is_none());
}

#[test]
fn malformed_keys_are_refused() {
    let (identity, recipient) = (IDENTITY.trim(), RECIPIENT.trim());
    assert!(Recipient::parse(&recipient.to_uppercase()).is_none());
    assert!(Identity::parse(&identity.to_lowercase()).is_none());
    assert!(Recipient::parse(identity).is_none() && Identity::parse(recipient).is_none());
    assert!(Recipient::parse(&recipient[..recipient.len() - 1]).is_none());
    assert!(Recipient::parse(&encode(RECIPIENT_PREFIX, &[0; 1215])).is_none());
    // FIPS 203 forbids numbers that are not below 3329.
    let mut bytes = [0; 1216];
    assert!(Recipient::parse(&encode(RECIPIENT_PREFIX, &bytes)).is_some());
    bytes[..2].fill(0xff);
    assert!(Recipient::parse(&encode(RECIPIENT_PREFIX, &bytes)).is_none());
}

#[test]
fn a_point_of_low_order_is_an_error_and_no_panic() {
    let recipient = Recipient::parse(&encode(RECIPIENT_PREFIX, &[0; 1216])).expect("well-formed");
    assert!(recipient.wrap_file_key(&FileKey::new(Box::new([5; 16]))).is_err());
    let share = Share::from_bytes(&[0; 1120]).expect("well-formed");
    assert!(Hybrid::decap(&identity().0, None, &share).is_err());
}

#[test]
fn a_pair_is_derived_as_other_implementations_do() {
    let (secret, public) = Hybrid::derive_keypair(&[1; 32]);
    assert_eq!(BASE64_STANDARD_NO_PAD.encode(secret.to_bytes()), "eRecB6nm1mSsQufMJL6GkwefU+RvVKZEh1g3p1ivUrU");
    assert!(Hybrid::sk_to_pk(&secret) == public);
}
