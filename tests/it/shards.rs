//! A history that is searched in shares is reported as if one scan had read all of it.

use std::fs;

use serde_json::Value;

use crate::support::{Numbers, Place, Run};

/// A history of many versions, with several packs, loose objects, messages, tags, notes, a stash, an archive and names.
fn history(seed: u64, hash: &str) -> Place {
    let place = Place::new();
    place.git(["init", "--quiet", &format!("--object-format={hash}")]);
    let mut random = Numbers(seed);
    let values: Vec<String> = (0..8).map(|at| format!("Walrus{}Timber{at}", 10 + random.below(89))).collect();
    let mut files = vec![vec![String::new(); 30]; 6];
    for round in 0..16 {
        for _ in 0..1 + random.below(4) {
            let (file, line, value) = (random.below(6), random.below(30), random.below(8));
            files[file][line] = match random.below(4) {
                0 => format!("db{line}_password: {}", values[value]),
                1 => format!("db{line}_password: {} # sopup:allow", values[value]),
                2 => String::new(),
                _ => format!("note{line}: {}", random.below(1000)),
            };
        }
        for (number, lines) in files.iter().enumerate() {
            place.write(&format!("team{}/settings{number}.yaml", number % 3), lines.join("\n") + "\n");
        }
        let message = if random.below(5) == 0 { format!("the password is {}", values[random.below(8)]) } else { format!("{round}") };
        place.commit(&message);
        match random.below(8) {
            0 => _ = place.git(["repack", "--quiet", "-d"]),
            1 => _ = place.git(["tag", "-a", &format!("v{round}"), "-m", &format!("password: {}", values[random.below(8)])]),
            2 => _ = place.git(["notes", "add", "-m", &format!("password={}", values[random.below(8)])]),
            3 => _ = place.git(["checkout", "--quiet", "-b", &format!("b{round}")]),
            4 => _ = place.git(["mv", "team0/settings0.yaml", &format!("team0/moved{round}.yaml")]),
            _ => {}
        }
    }
    place.shell("mkdir -p inner && echo 'password: Quince41Harbor' > inner/a.yaml && tar -czf inner.tgz inner && rm -r inner");
    place.write("huge.bin", vec![b'x'; 1 << 20]).commit("an archive");
    place.write("team1/settings1.yaml", "api_password: Larch77Meadow\n");
    place.git(["stash", "--quiet"]);
    place
}

/// All shares, written in a folder of their own.
fn parts(place: &Place, of: u32) -> Vec<String> {
    fs::create_dir_all(place.join(".git/parts")).expect("a folder");
    let part = |number| {
        let file = format!(".git/parts/{number}-of-{of}");
        let run = place.sopup(["scan", "--history", "--shard", &format!("{number}/{of}"), "-o", &file]);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
        file
    };
    (1..=of).map(part).collect()
}

fn report(run: &Run) -> Value {
    let mut report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    report["summary"].as_object_mut().expect("an object").remove("elapsed_ms");
    report
}

fn merged(place: &Place, parts: &[String], more: &[&str]) -> Run {
    place.sopup([&["merge", "--format", "json"], more, &parts.iter().map(String::as_str).collect::<Vec<_>>()].concat())
}

#[test]
fn shares_make_the_report_of_one_scan() {
    for (seed, hash) in [(1, "sha1"), (2, "sha1"), (3, "sha256")] {
        let place = history(seed, hash);
        let plain = (&[][..], &[1, 2, 3, 7][..]);
        for (more, counts) in [plain, (&["--no-inline-allow", "--show-secrets"], &[2])] {
            let whole = place.sopup([&["scan", "--history", "--no-cache", "--format", "json"], more].concat());
            let wanted = report(&whole);
            assert!(wanted["findings"].as_array().expect("a list").len() >= 5, "{wanted}");
            for &of in counts {
                let mut files = parts(&place, of);
                for file in &files {
                    let text = fs::read_to_string(place.join(file)).expect("a part");
                    assert!(!text.contains("Walrus") && !text.contains("Quince"), "no secret is in a part");
                }
                files.reverse();
                let run = merged(&place, &files, more);
                assert_eq!((report(&run), run.code), (wanted.clone(), whole.code), "{of} shares, seed {seed}");
            }
        }
    }
}

/// What each share reads is read by no other, and they are of about one size.
#[test]
fn shares_divide_the_work() {
    let place = Place::repository();
    let mut random = Numbers(4);
    for number in 0..90 {
        let text: String = (0..40).map(|_| format!("{}\n", random.next())).collect();
        place.write(&format!("data/{number}.txt"), text);
    }
    place.commit("one");
    place.git(["repack", "--quiet", "-a", "-d"]);
    let blobs = |file: &str| {
        let part: Value = serde_json::from_str(&fs::read_to_string(place.join(file)).expect("a part")).expect("JSON");
        part["blobs"].as_u64().expect("a number")
    };
    let each: Vec<u64> = parts(&place, 3).iter().map(|file| blobs(file)).collect();
    assert_eq!(each.iter().sum::<u64>(), 90, "{each:?}");
    assert!(each.iter().all(|blobs| (25..=35).contains(blobs)), "{each:?}");
}

/// Another machine has a copy of the repository, and reports from there.
#[test]
fn a_copy_of_the_repository_will_do() {
    let place = history(5, "sha1");
    let (there, here) = (Place::new(), Place::new());
    for copy in [&there, &here] {
        copy.shell(&format!("cp -r '{}/.git' .", place.path().display()));
    }
    let files = parts(&there, 2);
    let wanted = report(&here.sopup(["scan", "--history", "--no-cache", "--format", "json"]));
    let files: Vec<String> = files.iter().map(|file| there.join(file).display().to_string()).collect();
    assert_eq!(report(&merged(&here, &files, &[])), wanted);
}

#[test]
fn what_a_share_could_not_read_is_reported() {
    let place = history(6, "sha1");
    let loose = place.shell("find .git/objects -type f -path '*/objects/[0-9a-f][0-9a-f]/*' -size -2k | sort | head -n 3");
    for file in loose.lines() {
        let path = place.join(file);
        place.shell(&format!("chmod u+w '{file}'"));
        fs::write(&path, b"no object").expect("writes");
    }
    let whole = place.sopup(["scan", "--history", "--no-cache", "--format", "json"]);
    assert_eq!(whole.code, 3, "{}", whole.stdout);
    fs::create_dir_all(place.join(".git/parts")).expect("a folder");
    let mut codes = Vec::new();
    let files: Vec<String> = (1..=3)
        .map(|number| {
            let file = format!(".git/parts/{number}");
            codes.push(place.sopup(["scan", "--history", "--shard", &format!("{number}/3"), "-o", &file]).code);
            file
        })
        .collect();
    assert!(codes.contains(&3), "{codes:?}");
    let run = merged(&place, &files, &[]);
    assert_eq!((report(&run), run.code), (report(&whole), 3));
}

#[test]
fn parts_that_make_no_whole_are_refused() {
    let place = history(7, "sha1");
    let two = parts(&place, 2);
    let three = parts(&place, 3);
    let refused = |files: &[String], why: &str| {
        let run = merged(&place, files, &[]);
        assert_eq!(run.code, 2, "{}", run.stdout);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    };
    refused(&two[..1], "of 2 parts these are missing: 2");
    refused(&[two[0].clone(), three[1].clone()], "not of one scan");
    place.write(".git/parts/cut", "{\"schema\":\"sopup.shard/v1\"");
    refused(&[".git/parts/cut".to_owned()], "cannot read the part");
    let run = merged(&place, &two, &["--min-confidence", "low"]);
    assert!(run.code == 2 && run.stderr.contains("other rules"), "{}", run.stderr);
    place.write("new.env", "DB_PASSWORD=Juniper52Gravel\n").commit("later");
    refused(&two, "not as it was");
    for wrong in ["0/2", "3/2", "x", "1/0"] {
        let run = place.sopup(["scan", "--history", "--shard", wrong]);
        assert!(run.code == 2 && run.stderr.contains("K/N"), "{}", run.stderr);
    }
    let run = place.sopup(["scan", "--shard", "1/2"]);
    assert!(run.code == 2 && run.stderr.contains("--history"), "{}", run.stderr);
}
