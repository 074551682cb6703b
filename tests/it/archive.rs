//! Secrets in files inside archives: on disk, staged, in the history, and past the bounds.

use std::io::Write as _;

use sirocco::Format;
use sirocco::deflate::{Level, Writer};

use crate::faults::is_full;
use crate::support::{Place, places};

const TEXT: &str = "host: db\npassword: Walrus88Timber\n";

fn packed(format: Format, bytes: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(format, Level::default(), Vec::new());
    writer.write_all(bytes).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, bytes).expect("memory takes it");
    builder.into_inner().expect("memory takes it")
}

/// An archive of one file (APPNOTE.TXT 4.3.6), deflated or encrypted.
fn zip(name: &str, bytes: &[u8], flags: u16) -> Vec<u8> {
    let data = packed(Format::Deflate, bytes);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("small");
    let mut common = Vec::new();
    for field in [20, flags, 8, 0, 0x21] {
        common.extend(field.to_le_bytes());
    }
    for field in [crc32fast::hash(bytes), length(&data), length(bytes)] {
        common.extend(field.to_le_bytes());
    }
    common.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
    common.extend([0; 2]);
    let local = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), &data].concat();
    let central = [b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 14], name.as_bytes()].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend(length(&central).to_le_bytes());
    end.extend(length(&local).to_le_bytes());
    end.extend([0; 2]);
    [local, central, end].concat()
}

fn written() -> Place {
    let place = Place::repository();
    place
        .write("backup.zip", zip("etc/app.yaml", TEXT.as_bytes(), 0))
        .write("chart.tgz", packed(Format::Gzip, &tar("values.yaml", TEXT.as_bytes())))
        .write("plain.tar", tar("values.yaml", TEXT.as_bytes()))
        .write("logs/app.yaml.gz", packed(Format::Gzip, TEXT.as_bytes()));
    place
}

const EXPECTED: [&str; 4] =
    ["backup.zip!etc/app.yaml:2:11", "chart.tgz!values.yaml:2:11", "logs/app.yaml.gz!app.yaml:2:11", "plain.tar!values.yaml:2:11"];

#[test]
fn files_on_disk() {
    let place = written();
    let report = place.report(["--worktree"]);
    assert_eq!(report["summary"]["secrets"], 1);
    assert_eq!(places(&report), EXPECTED);
    assert_eq!(report["findings"][0]["occurrences"][0]["source"], "archive");
}

#[test]
fn staged_files() {
    let place = written();
    place.git(["add", "."]);
    assert_eq!(places(&place.report(["--staged"])), EXPECTED);
}

#[test]
fn files_of_the_history_also_when_it_is_known() {
    let place = written();
    place.git(["add", "."]);
    place.commit("archives");
    for name in ["backup.zip", "chart.tgz", "plain.tar", "logs/app.yaml.gz"] {
        place.git(["rm", "--quiet", name]);
    }
    place.commit("remove them");
    place.git(["gc", "--quiet"]);
    for _ in 0..2 {
        let report = place.report(["--history"]);
        assert_eq!(places(&report), EXPECTED);
    }
    place.write("other.txt", "nothing");
    place.git(["add", "."]);
    place.commit("go on");
    assert_eq!(places(&place.report(["--history"])), EXPECTED);
    assert_eq!(places(&place.report(["--range", "HEAD"])), EXPECTED);
}

#[test]
fn what_is_not_read_is_named_wherever_it_is() {
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() - 9);
        bytes
    };
    let noise: Vec<u8> = (0..40_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let kinds = [
        ("sealed.zip", zip("etc/app.yaml", TEXT.as_bytes(), 1), "encrypted files"),
        ("cut.gz", cut(packed(Format::Gzip, &noise)), "damaged or incomplete"),
        ("cut.zip", cut(zip("etc/app.yaml", TEXT.as_bytes(), 0)), "damaged or incomplete"),
        ("cut.bundle", b"# v2 git bundle\n\nPACK\0\0\0\x02\0\0\0\x01".to_vec(), "damaged or incomplete"),
        ("all.7z", b"7z\xbc\xaf\x27\x1c and more".to_vec(), "of a sort that sopup does not read"),
        ("bomb.gz", packed(Format::Gzip, &vec![b' '; 64 << 20]), "unpacks to more than"),
        ("four.tar", (0..4).fold(TEXT.as_bytes().to_vec(), |inner, _| tar("x", &inner)), "more than 3 deep"),
    ];
    for (name, bytes, reason) in kinds {
        let place = Place::repository();
        place.write(name, bytes).git(["add", name]);
        for scope in ["--worktree", "--staged"] {
            let run = place.sopup(["scan", scope]);
            assert_eq!(run.code, 3, "{name} {scope}");
            assert!(run.stdout.contains(&format!("{name}: ")) && run.stdout.contains(reason), "{}", run.stdout);
        }
        place.commit("one");
        for scope in [&["--history"][..], &["--range", "HEAD"]] {
            let run = place.sopup(["scan"].iter().chain(scope));
            assert_eq!(run.code, 3, "{name} {scope:?}");
            assert!(run.stdout.contains(reason), "{}", run.stdout);
        }
    }
}

/// A repository whose history has a secret in one file, and one in a message; the secrets are gone from its files.
fn leaky(format: &str) -> Place {
    let place = Place::new();
    place.git(["init", "--quiet", "-b", "main", &format!("--object-format={format}")]);
    let lines: String = (0..200).map(|number| format!("line{number}: {}\n", number * 7919)).collect();
    place.write("etc/app.yaml", format!("{lines}password: Walrus88Timber\n")).write("README.md", "# About\n").commit("add the service");
    place.write("etc/app.yaml", format!("{lines}password: Walrus88Timber\nport: 1\n")).commit("name the port");
    place.write("etc/app.yaml", format!("{lines}port: 1\n")).commit("remove the password, which was Kettle91Marble");
    place
}

fn short(place: &Place, revision: &str) -> String {
    place.git(["rev-parse", revision])[..10].to_owned()
}

#[test]
fn bundles_and_packs_of_git() {
    for format in ["sha1", "sha256"] {
        let origin = leaky(format);
        // Without offsets deltas name their base, and bases may follow.
        origin.shell("git bundle create --quiet all.bundle main; git repack -adq; git rev-list --objects main | cut -d' ' -f1 | git pack-objects -q --no-delta-base-offset --stdout > p.pack");
        let bytes = |name: &str| std::fs::read(origin.join(name)).expect("written");
        let place = Place::repository();
        place.write("backup/all.bundle", bytes("all.bundle")).write("p.pack", bytes("p.pack"));
        place.write("in.tar.gz", packed(Format::Gzip, &tar("site/all.bundle", &bytes("all.bundle"))));
        let (first, second, last) = (short(&origin, "main~2"), short(&origin, "main~1"), origin.git(["rev-parse", "main"]));
        let last = last.trim_end();
        let mut expected = Vec::new();
        for file in ["backup/all.bundle", "in.tar.gz!site/all.bundle", "p.pack"] {
            expected.push(format!("{file}!{first}/etc/app.yaml:201:11"));
            expected.push(format!("{file}!{second}/etc/app.yaml:201:11"));
            expected.push(format!("{file}!commit {last}:6:32"));
        }
        expected.sort();
        let worktree = place.report(["--worktree"]);
        assert_eq!(worktree["summary"]["complete"], true, "{worktree}");
        let sorted = |report: &serde_json::Value| {
            let mut places = places(report);
            places.sort();
            places
        };
        assert_eq!(sorted(&worktree), expected, "{format}");
        place.git(["add", "."]);
        assert_eq!(sorted(&place.report(["--staged"])), expected);
        place.commit("keep backups");
        assert_eq!(sorted(&place.report(["--history"])), expected);
        let explained = place.sopup(["explain", &format!("backup/all.bundle!{first}/etc/app.yaml:201")]);
        assert!(explained.code == 0 && explained.stdout.contains("password"), "{}", explained.stdout);
    }
}

#[test]
fn a_bundle_that_builds_on_a_repository_is_incomplete() {
    let origin = leaky("sha1");
    origin.shell("git bundle create --quiet new.bundle main~1..main");
    let place = Place::repository();
    place.write("new.bundle", std::fs::read(origin.join("new.bundle")).expect("written"));
    let run = place.sopup(["scan", "--worktree"]);
    assert!(run.code == 3 && run.stdout.contains("new.bundle: objects of git that build on others"), "{}", run.stdout);
    assert!(run.stdout.contains("new.bundle!commit "), "the message can be read: {}", run.stdout);
}

#[test]
fn archives_inside_archives() {
    let place = Place::repository();
    let inner = packed(Format::Gzip, &tar("src/a.env", b"DB_PASSWORD=Walrus88Timber\n"));
    place.write("image.tar", tar("blobs/sha256/abc", &inner)).commit("one");
    let expected = ["image.tar!blobs/sha256/abc!src/a.env:1:13"];
    for scope in [&["--worktree"][..], &["--history"], &["--range", "HEAD"]] {
        let run = place.sopup(["scan", "--format", "json"].iter().chain(scope));
        let report = serde_json::from_str(&run.stdout).expect("a report");
        assert_eq!(places(&report), expected, "{scope:?}");
    }
}

/// Chunks are 8 MiB, and archives up to 32 MiB are opened: sizes on both sides of every border.
#[test]
fn no_size_of_an_archive_ends_the_scan() {
    let place = Place::new();
    place.write("a.env", "DB_PASSWORD=Walrus88Timber\n");
    let sizes = [8 << 20, 32 << 20, (32 << 20) + 1, 39 << 20, 40 << 20];
    let more = [(32 << 20) - 1, 33 << 20, (39 << 20) - 1, 47 << 20, 72 << 20];
    for size in sizes.into_iter().chain(more.into_iter().filter(|_| is_full())) {
        let mut bytes = packed(Format::Gzip, b"nothing");
        bytes.resize(size, 0);
        let first = place.write("big.gz", &bytes).sopup(["scan"]);
        let through = place.sopup_with(["scan", "--stdin"], &bytes);
        let expected = if size > 32 << 20 { (3, 3) } else { (1, 0) };
        assert_eq!((first.code, through.code), expected, "{size}: {}{}", first.stdout, first.stderr);
        assert!(first.stdout.contains("a.env:1:13"), "{size}");
    }
}

#[test]
fn what_is_too_large_is_named_each_time_though_the_rest_is_known() {
    let place = Place::repository();
    place.write("bomb.gz", packed(Format::Gzip, &vec![b' '; 64 << 20])).commit("one");
    place.git(["gc", "--quiet"]);
    for known in [0, 3] {
        let report = place.report(["--history"]);
        let summary = &report["summary"];
        assert_eq!((&summary["complete"], &summary["known_objects"]), (&false.into(), &known.into()), "{summary}");
        let reason = summary["skipped"][0]["reason"].as_str().expect("a reason");
        assert!(reason.starts_with("an archive that unpacks to more than"), "{reason}");
    }
}
