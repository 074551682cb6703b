//! Merges of generated files: two branches that each change, add and remove keys, against a plain model of the merge, against
//! `git merge-file` on the decrypted texts, and read by the real sops. A sample, or 200 cases with `SOPUP_TEST_FULL=1`.

use std::collections::BTreeMap;
use std::process::Command;

use sopup::sops::merge::{Merged, Tools, Versions, merge};
use sopup::sops::ops::{self, Editor, MacCheck, NewPlain};
use sopup::sops::path::TreePath;
use sopup::sops::plugin::NoPlugins;
use sopup::sops::tree::Node;

use super::bench::{Bench, now, store, text};
use super::foreign::{KINDS, with_block};
use crate::support::Numbers;

const NAMES: [&str; 4] = ["x.yaml", "x.json", "x.env", "x.ini"];

/// A file: sections with keys, values and the comments above them. A dotenv file is one section.
#[derive(Clone)]
struct Plain(Vec<(String, Vec<Line>)>);

#[derive(Clone)]
struct Line {
    comment: Option<String>,
    key: String,
    value: String,
}

impl Plain {
    fn random(numbers: &mut Numbers, sections: usize) -> Self {
        let section = |at: usize, numbers: &mut Numbers| {
            let count = 3 + numbers.below(8);
            let lines = (0..count).map(|key| line(numbers, &format!("k{key}"))).collect();
            (format!("s{at}"), lines)
        };
        Self((0..sections).map(|at| section(at, numbers)).collect())
    }

    /// One side of a branch. Both sides may hit the same key, and may add the same one.
    fn changed(&self, numbers: &mut Numbers, side: &str) -> Self {
        let mut new = self.clone();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(new.0.len());
            let lines = &mut new.0[at].1;
            let place = numbers.below(lines.len());
            match numbers.below(4) {
                0 if lines.len() > 2 => drop(lines.remove(place)),
                1 => {
                    let name = if numbers.below(4) == 0 { "shared".to_owned() } else { format!("{side}{}", numbers.below(1000)) };
                    if lines.iter().all(|line| line.key != name) {
                        let place = if numbers.below(2) == 0 { lines.len() } else { place };
                        lines.insert(place, line(numbers, &name));
                    }
                }
                _ => lines[place].value = value(numbers),
            }
        }
        new
    }

    fn print(&self, name: &str) -> String {
        let mut out = String::new();
        if name.ends_with(".json") {
            let sections = self.0.iter().map(|(name, lines)| {
                let entries: Vec<String> = lines.iter().map(|line| format!("\t\t\"{}\": \"{}\"", line.key, line.value)).collect();
                format!("\t\"{name}\": {{\n{}\n\t}}", entries.join(",\n"))
            });
            return format!("{{\n{}\n}}\n", sections.collect::<Vec<_>>().join(",\n"));
        }
        for (section, lines) in &self.0 {
            match name {
                "x.yaml" => out += &format!("{section}:\n"),
                "x.ini" => out += &format!("[{section}]\n"),
                _ => {}
            }
            for Line { comment, key, value } in lines {
                let (indent, sign, middle) = match name {
                    "x.yaml" => ("  ", "#", ": "),
                    "x.ini" => ("", ";", " = "),
                    _ => ("", "#", "="),
                };
                out += &comment.as_ref().map(|text| format!("{indent}{sign} {text}\n")).unwrap_or_default();
                out += &format!("{indent}{key}{middle}{value}\n");
            }
        }
        out
    }

    fn values(&self, name: &str) -> BTreeMap<String, String> {
        let place = |section: &str, key: &str| if name == "x.env" { format!("[\"{key}\"]") } else { format!("[\"{section}\"][\"{key}\"]") };
        let lines = self.0.iter().flat_map(|(section, lines)| lines.iter().map(move |line| (section, line)));
        lines.map(|(section, line)| (place(section, &line.key), line.value.clone())).collect()
    }
}

fn value(numbers: &mut Numbers) -> String {
    format!("value{}", numbers.below(100_000))
}

fn line(numbers: &mut Numbers, key: &str) -> Line {
    let comment = (numbers.below(4) == 0).then(|| format!("about {key} {}", numbers.below(1000)));
    Line { comment, key: key.to_owned(), value: value(numbers) }
}

/// The merge of one value, told independently: what one side changed counts, and ours where both did.
fn model(
    base: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
    theirs: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut merged, mut clashes) = (BTreeMap::new(), Vec::new());
    let keys: std::collections::BTreeSet<&String> = [base, ours, theirs].into_iter().flat_map(BTreeMap::keys).collect();
    for key in keys {
        let [old, mine, other] = [base, ours, theirs].map(|values| values.get(key));
        let taken = if mine == old { other } else { mine };
        if mine != old && other != old && mine != other {
            clashes.push(key.clone());
        }
        merged.extend(taken.map(|value| (key.clone(), value.clone())));
    }
    (merged, clashes)
}

/// What `git merge-file` makes of plain texts, if it sees no conflict.
fn by_git(bench: &Bench, versions: [&str; 3]) -> Option<String> {
    for (name, text) in ["base", "ours", "theirs"].iter().zip(versions) {
        bench.put(name, text.as_bytes());
    }
    let mut git = Command::new("git");
    let output = git.args(["merge-file", "-p", "ours", "base", "theirs"]).current_dir(bench.dir()).output().expect("git runs");
    output.status.success().then(|| text(&output.stdout))
}

/// Replaces the values of an encrypted file by those of a plain text, as an editor does.
fn edited(bench: &Bench, name: &str, sealed: &[u8], plain: &str) -> Vec<u8> {
    let keyring = bench.keyring(&[0]);
    let editor = Editor { keyring: &keyring, plugins: &NoPlugins, now: &now(), mac_check: MacCheck::Required, new_plain: NewPlain::Refuse };
    ops::replace(&*store(name), sealed, plain.as_bytes(), &editor).expect("edits")
}

fn merged(bench: &Bench, name: &str, [base, ours, theirs]: [&[u8]; 3]) -> Merged {
    let keyring = bench.keyring(&[0]);
    let tools = Tools { keyring: &keyring, plugins: &NoPlugins, now: &now() };
    merge(&*store(name), Versions { base, ours, theirs }, &tools).expect("merges")
}

/// The ciphertexts of a file by their places.
fn ciphertexts(name: &str, bytes: &[u8], places: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let source = store(name).read_encrypted(bytes).expect("reads");
    let at = |place: &String| TreePath::parse(place).expect("a path").find(&source.tree).ok().and_then(Node::as_str).map(str::to_owned);
    places.keys().filter_map(|place| Some((place.clone(), at(place)?))).collect()
}

#[test]
fn generated_branches_merge_as_the_model_says() {
    let cases = if std::env::var_os("SOPUP_TEST_FULL").is_some() { 200 } else { 25 };
    let bench = Bench::new();
    let (mut clean, mut clean_for_git, mut clashing) = (0, 0, 0);
    for case in 0..cases {
        let mut numbers = Numbers(7_000 + case as u64);
        let name = NAMES[case % NAMES.len()];
        let base = Plain::random(&mut numbers, if name == "x.env" { 1 } else { 2 });
        let sides = [base.changed(&mut numbers, "a"), base.changed(&mut numbers, "b")];
        let versions = [&base, &sides[0], &sides[1]].map(|plain| plain.print(name));
        let values = [&base, &sides[0], &sides[1]].map(|plain| plain.values(name));
        let sealed_base = bench.encrypt(name, versions[0].as_bytes()).expect("encrypts");
        let sealed = [&versions[1], &versions[2]].map(|plain| edited(&bench, name, &sealed_base, plain));
        let got = merged(&bench, name, [&sealed_base, &sealed[0], &sealed[1]]);
        let seen = || format!("case {case}, {name}\n{}\n--- ours\n{}\n--- theirs\n{}", versions[0], versions[1], versions[2]);

        let (wanted, clashes) = model(&values[0], &values[1], &values[2]);
        let mut told: Vec<String> = got.clashes.iter().map(|clash| clash.path.to_string()).collect();
        told.sort();
        assert_eq!(told, clashes, "{}", seen());
        let plain = bench.decrypt(name, &got.file).unwrap_or_else(|error| panic!("{error}\n{}", seen()));
        let tree = store(name).read_plain(&plain).expect("reads").tree;
        for (place, value) in &wanted {
            let found = TreePath::parse(place).expect("a path").find(&tree).ok().and_then(Node::as_str);
            assert_eq!(found, Some(value.as_str()), "{place}\n{}\n--- got\n{}", seen(), text(&plain));
        }
        assert_eq!(text(&plain).matches("value").count(), wanted.len(), "{}\n--- got\n{}", seen(), text(&plain));
        bench.sops_decrypt(name, &got.file).unwrap_or_else(|error| panic!("sops: {error}\n{}", seen()));

        // What one side has, or both, keeps its ciphertext.
        let [old, mine, other] = [&sealed_base, &sealed[0], &sealed[1]].map(|bytes| ciphertexts(name, bytes, &wanted));
        for (place, now) in ciphertexts(name, &got.file, &wanted) {
            let from = if values[0].get(&place) == wanted.get(&place) {
                &old
            } else if values[1].get(&place) == wanted.get(&place) {
                &mine
            } else {
                &other
            };
            assert_eq!(from.get(&place), Some(&now), "{place}\n{}", seen());
        }

        clashing += usize::from(!clashes.is_empty());
        clean += usize::from(clashes.is_empty());
        if let Some(theirs) = by_git(&bench, [&versions[0], &versions[1], &versions[2]]).filter(|_| clashes.is_empty()) {
            clean_for_git += 1;
            assert_eq!(text(&plain), theirs, "git merges otherwise\n{}", seen());
        }
    }
    assert!(clean > cases / 3 && clean_for_git > cases / 10 && clashing > 0, "{clean} clean, {clean_for_git} for git, {clashing} clashing");
    assert!(clean_for_git < clean, "merging by values settles more than merging by lines");
}

#[test]
fn keys_of_other_kinds_stay_and_those_that_one_side_removed_go() {
    let bench = Bench::new();
    for (block, _, _) in KINDS {
        let base = with_block(&bench, block);
        let ours = edited(&bench, "x.yaml", &base, "a: hello\nb: ours-value\n");
        let theirs = edited(&bench, "x.yaml", &base, "a: other-value\n");
        let got = merged(&bench, "x.yaml", [&base, &ours, &theirs]);
        assert!(got.clashes.is_empty() && text(&got.file).contains(block), "{}", text(&got.file));
        bench.sops_decrypt("x.yaml", &got.file).expect("sops decrypts");
        let without = text(&theirs).replace(block, "").into_bytes();
        let got = merged(&bench, "x.yaml", [&base, &ours, &without]);
        assert!(!text(&got.file).contains(block), "theirs removed it: {}", text(&got.file));
        bench.sops_decrypt("x.yaml", &got.file).expect("sops decrypts");
    }
}
