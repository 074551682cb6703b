//! Decrypting and examining arbitrary files with a key at hand: no panic, bounded work.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sopup::sops::doctor::{Patient, examine};
use sopup::sops::keyring::Keyring;
use sopup::sops::ops::{self, MacCheck};
use sopup::sops::plugin::NoPlugins;
use sopup::sops::store::{Format, Limits, Style};

/// An invented key that protects nothing.
const KEY: &[u8] = b"AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";

fuzz_target!(|input: (u8, &[u8])| {
    let formats = [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary];
    let format = formats[usize::from(input.0) % formats.len()];
    let mut keyring = Keyring::new();
    let _ = keyring.add_text(KEY, "the fuzzer", &NoPlugins);
    let store = format.store(Limits::default(), Style::default());
    let _ = ops::decrypt(&*store, input.1, &keyring, MacCheck::Ignored);
    let _ = examine(&Patient { bytes: input.1, format, rule: None, keyring: Some(&keyring), record: None });
});
