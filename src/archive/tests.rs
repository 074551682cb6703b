//! What each sort of archive gives, whole, damaged and past the bounds.

use std::io::Write as _;

use lzma_rust2::{XzOptions, XzWriter};
use sirocco::Format;
use sirocco::deflate::{Level, Writer};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Format::Gzip, Level::default(), Vec::new());
    writer.write_all(bytes).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    writer.write_all(bytes).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::default()).expect("the options fit");
    writer.write_all(bytes).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).expect("memory takes it");
    }
    builder.into_inner().expect("memory takes it")
}

fn ar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in files {
        out.extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", format!("{name}/"), 0, 0, 0, 100_644, bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(2), b'\n');
    }
    out
}

/// What is handed over, and what was not read.
fn opened(archive: &[u8]) -> (Vec<(String, usize)>, Option<Unread>) {
    let mut found = Vec::new();
    let form = Form::of(archive).expect("an archive");
    let unread = each_member(archive, form, &mut |name, bytes| found.push((name.to_owned(), bytes.len()))).err();
    (found, unread)
}

fn whole(archive: &[u8]) -> Vec<(String, usize)> {
    let (found, unread) = opened(archive);
    assert_eq!(unread, None, "{found:?}");
    found
}

fn named(names: &[(&str, usize)]) -> Vec<(String, usize)> {
    names.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
}

type Packer = fn(&[u8]) -> Vec<u8>;

const PACKERS: [Packer; 4] = [gzip, bzip2, xz, zstd];

#[test]
fn every_packing_alone_and_around_a_tar() {
    let plain = tar(&[("a/b.yaml", b"one"), ("c", b"")]);
    let expected = named(&[("a/b.yaml", 3), ("c", 0)]);
    assert_eq!(whole(&plain), expected);
    for packed in PACKERS {
        assert_eq!(whole(&packed(&plain)), expected);
        assert_eq!(whole(&packed(b"one")), named(&[("", 3)]));
        assert_eq!(whole(&[packed(b"one"), packed(b"two!")].concat()), named(&[("", 7)]), "two streams");
    }
    assert_eq!(whole(&[zstd(b"one"), b"\x51\x2a\x4d\x18\x02\0\0\0xx".to_vec(), zstd(b"two")].concat()), named(&[("", 6)]));
}

#[test]
fn archives_inside_archives() {
    let inner = gzip(&tar(&[("x.env", b"one")]));
    assert_eq!(whole(&tar(&[("layer.tgz", &inner)])), named(&[("layer.tgz!x.env", 3)]));
    let package = ar(&[("debian-binary", b"2.0\n"), ("data.tar.xz", &xz(&tar(&[("etc/x", b"12345")])))]);
    assert_eq!(whole(&package), named(&[("debian-binary", 4), ("data.tar.xz!etc/x", 5)]));
    assert_eq!(whole(&gzip(&gzip(b"one"))), named(&[("", 3)]));
    let third = tar(&[("b", &tar(&[("c", &gzip(b"deep"))]))]);
    assert_eq!(whole(&third), named(&[("b!c!c", 4)]));
    let fourth = tar(&[("a", &third)]);
    assert_eq!(opened(&fourth).1, Some(Unread::TooDeep));
}

#[test]
fn bounds_hold() {
    for packed in PACKERS {
        assert_eq!(opened(&packed(&vec![0; 20 << 20])).1, Some(Unread::Bomb));
    }
    let many: Vec<(String, &[u8])> = (0..=MOST_MEMBERS).map(|number| (number.to_string(), &b""[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert_eq!(opened(&tar(&many)).1, Some(Unread::Members));
    let mut large = b"PK\x03\x04".to_vec();
    large.resize(LARGEST + 1, 0);
    assert_eq!(opened(&large).1, Some(Unread::Large));
    let nested = tar(&[("a.gz", &gzip(&vec![0; 7 << 20])), ("b.gz", &gzip(&vec![0; 7 << 20]))]);
    assert_eq!(opened(&nested).1, Some(Unread::Bomb), "the budget is that of the outermost");
}

#[test]
fn damaged_ones_give_what_they_can_and_say_so() {
    let noise: Vec<u8> = (0..40_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for packed in PACKERS {
        let bytes = packed(&noise);
        for cut in [bytes.len() - 1, bytes.len() / 2, 30] {
            let (found, unread) = opened(&bytes[..cut]);
            assert_eq!(unread, Some(Unread::Damaged), "{cut} of {}", bytes.len());
            assert!(found.len() <= 1);
        }
        let mut wrong = bytes.clone();
        let at = bytes.len() - 6;
        wrong[at] ^= 0x40;
        assert_eq!(opened(&wrong).1, Some(Unread::Damaged), "the checksum");
    }
    let bytes = gzip(&noise);
    assert!(opened(&bytes[..bytes.len() / 2]).0[0].1 > 1000);
    assert_eq!(opened(b"PK\x03\x04nothing"), (Vec::new(), Some(Unread::Damaged)));
    let archive = tar(&[("a", &noise), ("b", b"x")]);
    assert_eq!(opened(&archive[..archive.len() / 2]).1, Some(Unread::Damaged));
    let mut header = archive;
    header[512 + noise.len().next_multiple_of(512) + 3] ^= 1;
    assert_eq!(opened(&header), (named(&[("a", noise.len())]), Some(Unread::Damaged)));
    let two = [tar(&[("a", b"x")]), tar(&[("b", b"y")])].concat();
    assert_eq!(whole(&two), named(&[("a", 1), ("b", 1)]), "behind the end of the first");
    assert_eq!(opened(&ar(&[("a", b"12345")])[..70]).1, Some(Unread::Damaged));
    for bytes in [&b"7z\xbc\xaf\x27\x1c rest"[..], b"Rar!\x1a\x07\0", b"\x04\x22\x4d\x18xx"] {
        assert_eq!(opened(bytes).1, Some(Unread::Unsupported));
    }
}

#[test]
fn paths_name_archive_and_member() {
    assert_eq!(path_inside("a/b.zip", "c/d"), "a/b.zip!c/d");
    assert_eq!(path_inside("a/dump.sql.gz", ""), "a/dump.sql.gz!dump.sql");
    assert_eq!(path_inside("a.tar!x/dump.sql.zst", ""), "a.tar!x/dump.sql.zst!dump.sql");
    assert_eq!(path_inside("blob", ""), "blob!blob");
}
