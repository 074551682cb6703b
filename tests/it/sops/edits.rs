//! Changing encrypted files: set, unset, rotate, updatekeys, indentation (matrix cases 39 to 41).

use sopup::sops::metadata::Metadata;
use sopup::sops::ops::{self, Audience, DataKeyFate, EditError, Editor, MacCheck, NewPlain, OnRemoval};
use sopup::sops::path::TreePath;
use sopup::sops::plugin::NoPlugins;
use sopup::sops::recipient::Recipient;
use sopup::sops::timestamp::Timestamp;
use sopup::sops::tree::{Map, Node, Scalar};

use super::bench::{Bench, store, text};

const PLAIN: &str = "# head\na: hello\nm:\n    name: nested # tail\n    o: other\nl:\n    - one\n    - one\n    - two\nx_unencrypted: p\n";

fn path(text: &str) -> TreePath {
    TreePath::parse(text).expect("a path")
}

fn later() -> Timestamp {
    Timestamp::parse_rfc3339("2026-02-03T04:05:06Z").expect("a time")
}

/// Runs `edit` with an editor for the first keys of the bench.
fn with_editor<T>(bench: &Bench, edit: impl FnOnce(&Editor<'_>) -> T) -> T {
    let keyring = bench.keyring(&[0]);
    edit(&Editor { keyring: &keyring, plugins: &NoPlugins, now: &later(), mac_check: MacCheck::Required, new_plain: NewPlain::Refuse })
}

/// Lines of `after` that are not in `before`.
fn new_lines(before: &str, after: &str) -> Vec<String> {
    after.lines().filter(|line| !before.lines().any(|old| old == *line)).map(str::to_owned).collect()
}

#[test]
fn case_39_one_value_changes_three_lines() {
    let bench = Bench::new();
    let theirs = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &[]);
    let ours = bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts");
    for file in [theirs, ours] {
        let file = text(&file);
        let edited = with_editor(&bench, |editor| {
            ops::set(&*store("x.yaml"), file.as_bytes(), &path("[\"m\"][\"name\"]"), Node::text("changed"), editor)
        });
        let edited = text(&edited.expect("sets"));
        let lines = new_lines(&file, &edited);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert_eq!(edited.lines().count(), file.lines().count());
        let plain = text(&bench.sops_decrypt("x.yaml", edited.as_bytes()).expect("sops reads it"));
        assert!(plain.contains("name: changed") && plain.contains("# head"));
        // sops edits what we wrote.
        bench.put("x.yaml", edited.as_bytes());
        let out = bench.sops(&["set", "x.yaml", "[\"a\"]", "\"by sops\""]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        assert!(text(&bench.decrypt("x.yaml", &bench.get("x.yaml")).expect("we read it")).contains("a: by sops"));
        let out = bench.sops(&["unset", "x.yaml", "[\"l\"][0]"]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        bench.decrypt("x.yaml", &bench.get("x.yaml")).expect("we read it");
    }
}

#[test]
fn case_39_new_and_removed_values() {
    let bench = Bench::new();
    let theirs = bench.sops_encrypt("x.yaml", PLAIN.as_bytes(), &[]);
    let mut tree = Map::default();
    tree.insert("deep", Node::text("multi\nline\n"));
    tree.insert("count", Node::Scalar(Scalar::Int(7)));
    let edits = [
        ("[\"new\"]", Some(Node::text("v"))),
        ("[\"m\"][\"p\"]", Some(Node::Map(tree))),
        ("[\"m\"][\"q\"][\"r\"]", Some(Node::Scalar(Scalar::Bool(true)))),
        ("[\"l\"][3]", Some(Node::text("three"))),
        ("[\"l\"][0]", None),
        ("[\"a\"]", Some(Node::Map(Map::default()))),
        ("[\"m\"][\"o\"]", None),
        ("[\"x_unencrypted\"]", Some(Node::text("readable"))),
        ("[\"m\"]", None),
    ];
    let mut file = theirs;
    for (place, value) in edits {
        file = with_editor(&bench, |editor| match value {
            Some(value) if place.contains("_unencrypted") => {
                assert!(matches!(
                    ops::set(&*store("x.yaml"), &file, &path(place), value.clone(), editor),
                    Err(EditError::StaysPlain { .. })
                ));
                let allowed = Editor { new_plain: NewPlain::Allow, ..*editor };
                ops::set(&*store("x.yaml"), &file, &path(place), value, &allowed)
            }
            Some(value) => ops::set(&*store("x.yaml"), &file, &path(place), value, editor),
            None => ops::unset(&*store("x.yaml"), &file, &path(place), editor),
        })
        .unwrap_or_else(|error| panic!("{place}: {error}"));
        bench.sops_decrypt("x.yaml", &file).unwrap_or_else(|error| panic!("{place}: {error}\n{}", text(&file)));
    }
    let plain = text(&bench.decrypt("x.yaml", &file).expect("decrypts"));
    assert_eq!(plain, "# head\na: {}\nl:\n    - one\n    - two\n    - three\nx_unencrypted: readable\nnew: v\n");
    let got = ops::extract(&*store("x.yaml"), &file, &path("[\"l\"][2]"), &bench.keyring(&[0]), MacCheck::Required).expect("extracts");
    assert_eq!(got.as_str(), Some("three"));
    assert!(with_editor(&bench, |editor| ops::unset(&*store("x.yaml"), &file, &path("[\"absent\"]"), editor)).is_err());
}

#[test]
fn case_39_other_formats() {
    let bench = Bench::new();
    for (name, plain, place) in [
        ("x.json", "{\n\t\"a\": \"b\",\n\t\"l\": [\n\t\t1\n\t]\n}\n", "[\"l\"][0]"),
        ("x.env", "# c\nA=b\n\nC=d\n", "[\"C\"]"),
        ("x.ini", "; c\n[s]\na = b\n\n[t]\nc = d\n", "[\"t\"][\"c\"]"),
    ] {
        let file = text(&bench.encrypt(name, plain.as_bytes()).expect("encrypts"));
        let edited = with_editor(&bench, |editor| ops::set(&*store(name), file.as_bytes(), &path(place), Node::text("changed"), editor));
        let edited = text(&edited.expect("sets"));
        assert_eq!(new_lines(&file, &edited).len(), 3, "{name}: {edited}");
        assert!(text(&bench.sops_decrypt(name, edited.as_bytes()).expect("sops")).contains("changed"));
    }
}

#[test]
fn an_edited_plain_file_keeps_the_ciphertext_of_what_did_not_change() {
    let bench = Bench::new();
    let file = bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts");
    let plain =
        text(&bench.decrypt("x.yaml", &file).expect("decrypts")).replace("other", "another").replace("# head\n", "# head\n\nnew: x\n");
    let edited = with_editor(&bench, |editor| ops::replace(&*store("x.yaml"), &file, plain.as_bytes(), editor)).expect("replaces");
    assert_eq!(new_lines(&text(&file), &text(&edited)).len(), 5, "blank, new, other, lastmodified and mac");
    assert_eq!(text(&bench.decrypt("x.yaml", &edited).expect("decrypts")), plain);
    bench.sops_decrypt("x.yaml", &edited).expect("sops");
}

#[test]
fn a_broken_mac_stops_an_edit() {
    let bench = Bench::new();
    let file = text(&bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts")).replace("x_unencrypted: p", "x_unencrypted: q");
    let edit = |editor: &Editor<'_>| ops::set(&*store("x.yaml"), file.as_bytes(), &path("[\"a\"]"), Node::text("v"), editor);
    assert!(with_editor(&bench, edit).is_err());
}

fn data_key(bench: &Bench, file: &[u8], keys: &[usize]) -> [u8; 32] {
    *ops::open(&*store("x.yaml"), file, &bench.keyring(keys)).expect("opens").key.expose()
}

#[test]
fn case_40_rotation() {
    let bench = Bench::with_keys(2);
    let ours = bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts");
    bench.put("x.yaml", &ours);
    let out = bench.sops(&["rotate", "-i", "--add-age", &bench.recipients[1], "x.yaml"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let theirs = bench.get("x.yaml");
    assert_ne!(data_key(&bench, &ours, &[0]), data_key(&bench, &theirs, &[1]));

    let other = Recipient::parse(&bench.recipients[1]).expect("a recipient");
    let rotated = with_editor(&bench, |editor| ops::rotate(&*store("x.yaml"), &theirs, &[], std::slice::from_ref(&other), editor));
    let rotated = rotated.expect("rotates");
    assert_ne!(data_key(&bench, &rotated, &[0]), data_key(&bench, &theirs, &[0]));
    assert!(ops::open(&*store("x.yaml"), &rotated, &bench.keyring(&[1])).is_err());
    let unchanged = |line: &&str| line.contains("ENC[") && text(&theirs).lines().any(|old| old == *line);
    assert_eq!(text(&rotated).lines().filter(unchanged).count(), 0, "every value is encrypted anew");
    bench.sops_decrypt("x.yaml", &rotated).expect("sops");
}

#[test]
fn case_40_updatekeys() {
    let bench = Bench::with_keys(3);
    let ours = bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts");
    bench.put(".sops.yaml", format!("creation_rules:\n  - age: [{}, {}]\n", bench.recipients[0], bench.recipients[1]).as_bytes());
    bench.put("x.yaml", &ours);
    let out = bench.sops(&["updatekeys", "-y", "x.yaml"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let theirs = bench.get("x.yaml");
    assert_eq!(data_key(&bench, &ours, &[0]), data_key(&bench, &theirs, &[1]));

    let audience = |keys: &[usize]| {
        let group = keys.iter().map(|at| Recipient::parse(&bench.recipients[*at]).expect("a recipient")).collect();
        Audience { groups: vec![group], ..Audience::default() }
    };
    let update = |file: &[u8], keys: &[usize], on_removal| {
        with_editor(&bench, |editor| ops::update_keys(&*store("x.yaml"), file, &audience(keys), on_removal, editor)).expect("updates")
    };
    assert!(update(&theirs, &[0, 1], OnRemoval::Rotate).file.is_none());
    let added = update(&theirs, &[0, 1, 2], OnRemoval::Rotate);
    assert_eq!((added.change.added, added.change.data_key), (vec![bench.recipients[2].clone()], DataKeyFate::Kept));
    let added = added.file.expect("a new file");
    assert_eq!(data_key(&bench, &added, &[2]), data_key(&bench, &theirs, &[0]));
    let values = |file: &[u8]| text(file).split("sops:\n").next().map(str::to_owned);
    assert_eq!(values(&added), values(&theirs), "values stay as they are");
    let removed = update(&added, &[0], OnRemoval::Rotate);
    assert_eq!((removed.change.removed.len(), removed.change.data_key), (2, DataKeyFate::Replaced));
    let removed = removed.file.expect("a new file");
    assert_ne!(data_key(&bench, &removed, &[0]), data_key(&bench, &added, &[0]));
    let kept = update(&added, &[0], OnRemoval::Keep);
    assert_eq!(kept.change.data_key, DataKeyFate::Kept);
    for file in [&added, &removed, &kept.file.expect("a new file")] {
        bench.sops_decrypt("x.yaml", file).expect("sops");
    }
}

#[test]
fn case_40_foreign_keys_are_kept() {
    let bench = Bench::new();
    let ours = text(&bench.encrypt("x.yaml", PLAIN.as_bytes()).expect("encrypts"));
    let block = "    pgp:\n        - created_at: \"2020-01-01T00:00:00Z\"\n          enc: |-\n            -----BEGIN PGP MESSAGE-----\n\n            hQ==\n            -----END PGP MESSAGE-----\n          fp: 0123456789ABCDEF0123456789ABCDEF01234567\n";
    let file = ours.replace("    unencrypted_suffix", &format!("{block}    unencrypted_suffix"));
    bench.sops_decrypt("x.yaml", file.as_bytes()).expect("sops");
    let edited = with_editor(&bench, |editor| ops::set(&*store("x.yaml"), file.as_bytes(), &path("[\"a\"]"), Node::text("v"), editor));
    let edited = text(&edited.expect("sets"));
    assert!(edited.contains(block), "{edited}");
    let metadata =
        Metadata::parse(store("x.yaml").read_encrypted(edited.as_bytes()).expect("reads").metadata.expect("metadata")).expect("parses");
    assert_eq!(metadata.key_groups()[0].foreign[0].name.to_string(), "pgp 0123456789ABCDEF0123456789ABCDEF01234567");
    let error = with_editor(&bench, |editor| ops::rotate(&*store("x.yaml"), file.as_bytes(), &[], &[], editor)).expect_err("refused");
    assert!(error.to_string().contains("pgp"), "{error}");
}

#[test]
fn case_41_sops_edits_our_files_with_few_changes() {
    let bench = Bench::new();
    for (indent, config) in [(4, ""), (2, "stores:\n  yaml:\n    indent: 2\n")] {
        let pad = " ".repeat(indent);
        let plain = format!("a: hello\nm:\n{pad}name: nested\n{pad}deep:\n{pad}{pad}k: v\n{pad}l:\n{pad}{pad}- one\n{pad}{pad}- two\n");
        let file = text(&bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts"));
        bench.put(".sops.yaml", config.as_bytes());
        if config.is_empty() {
            std::fs::remove_file(bench.path(".sops.yaml")).expect("removes");
        }
        bench.put("x.yaml", file.as_bytes());
        let out = bench.sops(&["set", "x.yaml", "[\"a\"]", "\"changed\""]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        let edited = text(&bench.get("x.yaml"));
        let lines = new_lines(&file, &edited);
        assert_eq!((lines.len(), edited.lines().count()), (3, file.lines().count()), "indent {indent}: {lines:#?}\n{file}\n{edited}");
    }
}
