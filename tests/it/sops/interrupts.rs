//! Writers at once and writers that are killed (matrix cases 51 and 52).

use std::process::{Child, Stdio};

use super::bench::{Bench, text};

fn set(bench: &Bench, index: &str, value: &str) -> Child {
    use std::io::Write as _;
    let mut command = bench.sopup_command(&["set", "--value-stdin", "x.yaml", index]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sopup runs");
    child.stdin.take().expect("it is piped").write_all(value.as_bytes()).expect("it reads");
    child
}

fn values(bench: &Bench) -> serde_json::Value {
    serde_json::from_str(&bench.sopup_prints(&["decrypt", "--output-type", "json", "x.yaml"])).expect("JSON")
}

#[test]
fn case_51_two_writers_lose_nothing_in_200_rounds() {
    let bench = Bench::new();
    bench.put("x.yaml", b"a: 0\nb: 0\n");
    bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", "x.yaml"]);
    for round in 1..=200 {
        let value = round.to_string();
        let writers = [set(&bench, "[\"a\"]", &value), set(&bench, "[\"b\"]", &value)];
        // A reader meanwhile sees a whole file, old or new.
        let seen = values(&bench);
        for writer in writers {
            let output = writer.wait_with_output().expect("ends");
            assert!(output.status.success(), "round {round}: {}", text(&output.stderr));
        }
        let now = values(&bench);
        assert!(now["a"] == round && now["b"] == round, "round {round}: {now}");
        for name in ["a", "b"] {
            assert!(seen[name] == round || seen[name] == round - 1, "round {round}: {seen}");
        }
    }
    bench.sops_decrypt("x.yaml", &bench.get("x.yaml")).expect("sops");
}

#[test]
fn case_52_a_killed_writer_leaves_the_old_file_or_the_new() {
    let bench = Bench::new();
    let filler: String = (0..500).map(|number| format!("k{number}: value {number}\n")).collect();
    bench.put("x.yaml", format!("a: 0\n{filler}").as_bytes());
    bench.sopup_prints(&["encrypt", "--age", &bench.recipients[0], "-i", "x.yaml"]);
    let mut last = 0;
    let (mut old, mut new) = (0, 0);
    let begun = std::time::Instant::now();
    set(&bench, "[\"a\"]", "0").wait().expect("ends");
    let usual = begun.elapsed();
    // On a busy machine later and later, until a writer comes to its end.
    for round in 1..=600u32 {
        let mut writer = set(&bench, "[\"a\"]", &round.to_string());
        // From early on to after the end, in small steps.
        std::thread::sleep(usual * round / 48);
        let _ = writer.kill();
        writer.wait().expect("ends");
        let now = values(&bench)["a"].as_u64().expect("a number");
        assert!(now == last || now == u64::from(round), "round {round}: {now}");
        if now == last {
            old += 1
        } else {
            new += 1
        }
        last = now;
        if round >= 60 && old > 0 && new > 0 {
            break;
        }
    }
    assert!(old > 0 && new > 0, "{old} before the change, {new} after it: the kills hit one side only");
    // What a killed writer left beside the file goes with the next change.
    set(&bench, "[\"a\"]", "601").wait().expect("ends");
    let left: Vec<String> = std::fs::read_dir(bench.dir())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("sopup-draft"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    bench.sops_decrypt("x.yaml", &bench.get("x.yaml")).expect("sops");
}

#[test]
fn encrypting_in_place_never_gives_the_plain_text_a_second_name() {
    let bench = Bench::new();
    // Large enough that reading the old file again takes a while.
    let plain: String = (0..20_000).map(|number| format!("k{number}: orchid-meadow-{number}\n")).collect();
    let recipient = bench.recipients[0].clone();
    let seen = std::sync::Mutex::new(Vec::<String>::new());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for entry in std::fs::read_dir(bench.dir()).expect("a folder").flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let Ok(file) = std::fs::File::open(entry.path()) else { continue };
                    let mut start = Vec::new();
                    let _ = std::io::Read::read_to_end(&mut std::io::Read::take(file, 64), &mut start);
                    if name != "x.yaml" && text(&start).contains("orchid-meadow") {
                        seen.lock().expect("unpoisoned").push(name);
                    }
                }
            }
        });
        for _ in 0..5 {
            bench.put("x.yaml", plain.as_bytes());
            let run = bench.sopup(&["encrypt", "--age", &recipient, "-i", "x.yaml"]);
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(seen.into_inner().expect("unpoisoned"), Vec::<String>::new());
}
