//! The metadata of SOPS files, found in their text: what sops itself wrote there is neither a secret nor to be edited.
//!
//! The text is looked at, not parsed: it may be one of a history, cut off, or in a merge.

use std::ops::Range;

use memchr::memmem::{find, find_iter, rfind};

use crate::detect::Match;
use crate::text::Span;

const SEALED: &[u8] = b"ENC[AES256_GCM,";
/// Fields that name keys and times, in the key groups and beside them. Account IDs and addresses stand in them.
const NAMING_FIELDS: [&[u8]; 12] = [
    b"arn",
    b"role",
    b"aws_profile",
    b"resource_id",
    b"vault_url",
    b"vault_address",
    b"engine_path",
    b"key_name",
    b"key_id",
    b"fp",
    b"recipient",
    b"lastmodified",
];

/// Where the metadata of a SOPS file stands: its `sops` block or its `sops_…` lines. Empty for other texts.
#[must_use]
pub fn sops_metadata(text: &[u8]) -> Vec<Range<usize>> {
    if find(text, SEALED).is_none() {
        return Vec::new();
    }
    let found = if text.trim_ascii_start().starts_with(b"{") {
        json_blocks(text)
    } else {
        let mut found =
            blocks(text, |line| [&b"sops:"[..], b"\"sops\":", b"'sops':"].iter().any(|key| line.starts_with(key)), is_yaml_part);
        found.extend(blocks(text, |line| line.trim_ascii_end() == b"[sops]", |line| !line.starts_with(b"[")));
        found.extend(blocks(text, |line| line.starts_with(b"sops_"), |line| line.starts_with(b"sops_")));
        found
    };
    let is_metadata = |block: &Range<usize>| {
        let block = &text[block.clone()];
        find_iter(block, b"mac").any(|at| block[at..].split(|b| *b == b'\n').next().is_some_and(|line| find(line, SEALED).is_some()))
    };
    found.into_iter().filter(is_metadata).collect()
}

/// The matches of a text without those that are names of keys in the metadata of a SOPS file.
#[must_use]
pub fn outside_metadata(text: &[u8], matches: Vec<Match>) -> Vec<Match> {
    if matches.is_empty() {
        return matches;
    }
    let blocks = sops_metadata(text);
    matches.into_iter().filter(|found| !is_name_in_metadata(text, &blocks, found.span)).collect()
}

/// Whether a place of a SOPS file's metadata names a key, an account or a time.
fn is_name_in_metadata(text: &[u8], blocks: &[Range<usize>], span: Span) -> bool {
    if !blocks.iter().any(|block| block.start <= span.start && span.end <= block.end) {
        return false;
    }
    let before = &text[..span.start];
    let line = &before[rfind(before, b"\n").map_or(0, |at| at + 1)..];
    // The value reaches back to a quote, a blank or a separator that a field name stands before.
    let value = line.iter().rposition(|byte| b" \t\"'=,".contains(byte)).map_or(0, |at| at + 1);
    let field = line[..value].trim_ascii_end();
    let field = field.strip_suffix(b"\"").or_else(|| field.strip_suffix(b"'")).unwrap_or(field).trim_ascii_end();
    let Some(field) = field.strip_suffix(b":").or_else(|| field.strip_suffix(b"=")) else { return false };
    let field = field.trim_ascii_end();
    let field = field.strip_suffix(b"\"").or_else(|| field.strip_suffix(b"'")).unwrap_or(field);
    NAMING_FIELDS.iter().any(|name| {
        let rest = field.strip_suffix(*name);
        // `sops_kms__list_0__map_arn` of dotenv and INI ends in the field's name too.
        rest.is_some_and(|rest| {
            rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && (*byte != b'_' || rest.ends_with(b"__map_") || rest == b"sops_"))
        })
    })
}

/// Runs of lines: one that begins a block and those after it that go on with it.
fn blocks(text: &[u8], begins: impl Fn(&[u8]) -> bool, goes_on: impl Fn(&[u8]) -> bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut at, mut open) = (0, false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = at + line.len();
        if open && goes_on(line) {
            if let Some(block) = found.last_mut() {
                block.end = end;
            }
        } else {
            open = begins(line);
            if open {
                found.push(at..end);
            }
        }
        at = end;
    }
    found
}

/// Deeper lines, blank ones and the brackets of flow style belong to the block above; `---` does not.
fn is_yaml_part(line: &[u8]) -> bool {
    line.first().is_none_or(|byte| b" \t\r\n}])".contains(byte))
}

/// The values below `sops` at the top of a JSON object.
fn json_blocks(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut depth, mut open) = (0usize, None);
    let mut last_text: Range<usize> = 0..0;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                let end = string_end(text, at);
                last_text = at..end;
                at = end;
                continue;
            }
            b'{' | b'[' => {
                if depth == 1 && open.is_none() && &text[last_text.clone()] == b"\"sops\"" {
                    open = Some(last_text.start);
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 1
                    && let Some(start) = open.take()
                {
                    found.push(start..at + 1);
                }
                last_text = 0..0;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &[u8] = b"384756102938";

    /// Whether each place of the account ID names a key in metadata.
    fn named(text: &str) -> Vec<bool> {
        let blocks = sops_metadata(text.as_bytes());
        find_iter(text.as_bytes(), ACCOUNT)
            .map(|at| is_name_in_metadata(text.as_bytes(), &blocks, Span::new(at, at + ACCOUNT.len())))
            .collect()
    }

    #[test]
    fn keys_are_named_in_the_metadata_of_all_formats() {
        let mac = "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]";
        let arn = "arn:aws:kms:eu-west-1:384756102938:key/a";
        let texts = [
            format!(
                "note: {arn}\nsops:\n    kms:\n        - arn: {arn}\n          role: \"{arn}\"\n    stray: {arn}\n    mac: {mac}\nafter: {arn}\n"
            ),
            format!(
                "{{\n\"note\": \"{arn}\",\n\"sops\": {{\"kms\": [{{\n\"arn\": \"{arn}\",\n\"role\": \"{arn}\"}}],\n\"stray\": \"{arn}\",\n\"mac\": \"{mac}\"}},\n\"after\": \"{arn}\"}}"
            ),
            format!(
                "NOTE={arn}\nsops_kms__list_0__map_arn={arn}\nsops_kms__list_0__map_role={arn}\nsops_stray={arn}\nsops_mac={mac}\nAFTER={arn}\n"
            ),
            format!(
                "[a]\nnote = {arn}\n[sops]\nkms__list_0__map_arn = {arn}\nkms__list_0__map_role = {arn}\nstray = {arn}\nmac = {mac}\n[b]\narn = {arn}\n"
            ),
        ];
        for text in texts {
            assert_eq!(named(&text), [false, true, true, false, false], "{text}");
        }
        assert_eq!(named(&format!("sops:\n  arn: {arn}\n")), [false], "not encrypted");
        assert_eq!(named(&format!("x: {mac}\nsops:\n  arn: {arn}\n")), [false], "no MAC: not sops' own");
    }
}
