//! The small readers: configuration, recipients, identities, paths, envelopes, command lines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sopup::sops::cipher::Envelope;
use sopup::sops::creation_rule::{Config, recipient_list};
use sopup::sops::identity_source::split_words;
use sopup::sops::keyring::{Keyring, NoPrompt};
use sopup::sops::path::TreePath;
use sopup::sops::plugin::NoPlugins;
use sopup::sops::selector::Pattern;
use sopup::sops::timestamp::Timestamp;

fuzz_target!(|text: &str| {
    let _ = Config::parse(text.as_bytes());
    let _ = recipient_list(text);
    let _ = TreePath::parse(text);
    let _ = split_words(text);
    let _ = Pattern::new(text);
    let _ = Timestamp::parse_rfc3339(text);
    if let Ok(envelope) = Envelope::parse(text) {
        assert_eq!(Envelope::parse(&envelope.to_string()).expect("its own text"), envelope);
    }
    let mut keyring = Keyring::new();
    let _ = keyring.add_key_file(text.as_bytes(), "the fuzzer", &NoPrompt, &NoPlugins);
    let _ = keyring.add_ssh(text.as_bytes(), "the fuzzer", &NoPrompt);
});
