//! Campaigns one after another, and workers that share a folder of clones.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use super::{Fleet, across, fingerprints, large};
use crate::support::{Place, Run};

const FETCH: &str = "echo >> fetched; git clone --quiet --mirror {url} {dir}";

/// A repository elsewhere, with a plan for it.
struct Upstream {
    fleet: Fleet,
    bare: PathBuf,
}

impl Upstream {
    fn of(work: &Place) -> Self {
        let fleet = Fleet { place: Place::new() };
        let bare = fleet.place.join("up.git");
        work.git(["clone", "--quiet", "--mirror", ".", bare.to_str().expect("UTF-8")]);
        Self { fleet, bare }
    }

    fn small() -> Self {
        let work = Place::repository();
        work.write("notes.md", "The password is `gR4nite-Falcon-27`.\n").commit("notes");
        Self::of(&work)
    }

    /// One that four workers search together.
    fn large() -> Self {
        Self::of(&large(4, 1 << 18))
    }

    fn planned(&self, args: &[&str]) {
        self.fleet.place.write("list.txt", format!("file://{} {}\n", self.bare.display(), 4 << 20));
        let run = self.fleet.run(&[&["plan", "--repos", "list.txt", "--output", "plan.json"], args].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
    }

    fn work(&self, args: &[&str]) -> Run {
        self.fleet.run(&[&["work", "--all", "--plan", "plan.json", "--results", "results"], args].concat())
    }

    /// The file of a stored object.
    fn object(&self, name: &str) -> PathBuf {
        let id = self.fleet.place.git(["--git-dir", "up.git", "rev-parse", name]);
        self.bare.join("objects").join(&id[..2]).join(id[2..].trim())
    }

    /// Another scan would find a commit damaged, by a file of the same name and length.
    fn is_not_read_again(&self, report: &serde_json::Value) {
        let commit = self.object("HEAD");
        let bytes = fs::read(&commit).expect("the commit");
        fs::set_permissions(&commit, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("is set");
        fs::write(&commit, vec![0; bytes.len()]).expect("is written");
        self.work(&[]);
        assert_eq!(self.fleet.merged(&[]).1["repositories"], report["repositories"]);
        fs::write(&commit, bytes).expect("is written");
    }

    fn fetches(&self) -> usize {
        fs::read_to_string(self.fleet.place.join("fetched")).map_or(0, |text| text.lines().count())
    }

    /// What is among the clones, by the ends of the names.
    fn clones(&self) -> Vec<String> {
        let names = fs::read_dir(self.fleet.place.join("clones")).expect("clones").map(|entry| entry.expect("an entry").path());
        let mut ends: Vec<String> = names.map(|path| path.extension().expect("an end").to_string_lossy().into_owned()).collect();
        ends.sort();
        ends
    }

    fn clone(&self, end: &str) -> PathBuf {
        let mut paths = fs::read_dir(self.fleet.place.join("clones")).expect("clones").map(|entry| entry.expect("an entry").path());
        paths.find(|path| path.extension().is_some_and(|found| found == end)).expect("is there")
    }
}

fn rule(id: &str, prefix: &str) -> String {
    format!(
        "provider: Acme\nrules:\n  - id: {id}\n    name: Acme token\n    severity: high\n    keywords: [{prefix}]\n    pattern: \
         '\\b (?<secret> {prefix} [0-9A-Za-z]{{32}} ) \\b'\n    examples:\n      - \
         'x=«{prefix}8Kd02mXq7ZrT5vBn1LsW9yGh4CpJ6uFe»'\n    negatives:\n      - '{prefix}x'\n"
    )
}

#[test]
fn changed_settings_make_results_untrue() {
    let work = Place::repository();
    work.write("a.txt", "acme_live_8Kd02mXq7ZrT5vBn1LsW9yGh4CpJ6uFe\nbeta_live_7Wd13nXq8ZrT5vBn1LsW9yGh4CpJ6uTz\n").commit("a");
    let upstream = Upstream::of(&work);
    let (fleet, place) = (&upstream.fleet, &upstream.fleet.place);
    upstream.planned(&[]);
    let found = |options: &[&str]| {
        let run = upstream.work(&[&["--clones", "clones", "--fetch", FETCH, "--"], options].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        fleet.merged(&[]).1["secrets"].as_array().expect("secrets").len()
    };
    place.write("rules/acme.yaml", rule("acme-token", "nobody_has_this_"));
    let options = ["--rules", "rules", "--config", "team.yaml"];
    place.write("team.yaml", "disable: []\n");
    let before = found(&options);
    place.write("rules/acme.yaml", rule("acme-token", "acme_live_"));
    assert_eq!(found(&options), before + 1, "a rule is another one");
    place.write("rules/beta.yaml", rule("beta-token", "beta_live_"));
    assert_eq!(found(&options), before + 2, "a rule is new");
    place.write("team.yaml", "disable: [beta-token]\n");
    assert_eq!(found(&options), before + 1, "the configuration is another one");
    place.write("team.yaml", "allow:\n  - paths: ['a.txt']\n    reason: none of ours\n    expires: 2999-01-01\n");
    assert_eq!(found(&options), 0, "an allowlist is new");
    place.write("gitleaks.toml", "[[rules]]\nid = \"word\"\nregex = '''8Kd02mXq7ZrT5[0-9A-Za-z]+'''\n");
    place.write("team.yaml", "disable: []\n");
    let options = ["--config", "team.yaml", "--gitleaks-config", "gitleaks.toml"];
    let before = found(&options);
    place.write("gitleaks.toml", "[[rules]]\nid = \"word\"\nregex = '''nobody_has_this_[0-9A-Za-z]+'''\n");
    assert_ne!(found(&options), before, "the configuration of gitleaks is another one");
    // Wrong options are told before anything is fetched.
    let run = upstream.work(&["--", "--min-confidence", "certain"]);
    assert!(run.code == 2 && run.stderr.contains("certain"), "{}", run.stderr);
}

#[test]
fn a_second_campaign_scans_nothing_if_nothing_is_new() {
    let upstream = Upstream::small();
    upstream.planned(&[]);
    let args = ["--clones", "clones", "--fetch", FETCH];
    assert_eq!(upstream.work(&args).code, 0);
    let (_, first) = upstream.fleet.merged(&[]);
    // Whoever looked into the clone again would fail.
    let broken = "git --git-dir {dir} remote update --prune && rm -rf {dir}/objects && mkdir {dir}/objects";
    let run = upstream.work(&[&args[..], &["--update", broken, "--", "--jobs", "1"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(upstream.clone("git").join("FETCH_HEAD").exists(), "a fetch leaves something");
    let (run, second) = upstream.fleet.merged(&[]);
    assert_eq!((run.code, across(&second)), (1, across(&first)), "{}", run.stderr);
}

#[test]
fn what_was_not_read_in_full_is_read_again() {
    let upstream = Upstream::small();
    let object = upstream.object("HEAD:notes.md");
    let away = upstream.fleet.place.join("away");
    fs::rename(&object, &away).expect("is moved");
    assert_eq!(upstream.fleet.run(&["plan", "--folder", ".", "--output", "plan.json"]).code, 0);
    upstream.work(&[]);
    let (run, first) = upstream.fleet.merged(&[]);
    assert_eq!(run.code, 3);
    upstream.is_not_read_again(&first);
    fs::rename(&away, &object).expect("is moved back");
    upstream.work(&[]);
    let (run, report) = upstream.fleet.merged(&[]);
    assert_eq!((run.code, across(&report).len()), (1, 1), "{}", run.stderr);
}

#[test]
fn an_archive_that_is_not_read_is_not_tried_again() {
    let work = Place::repository();
    work.write("odd.gz", b"\x1f\x8b\x08\x00not what was compressed").commit("odd");
    let upstream = Upstream::of(&work);
    assert_eq!(upstream.fleet.run(&["plan", "--folder", ".", "--output", "plan.json"]).code, 0);
    upstream.work(&[]);
    let (run, report) = upstream.fleet.merged(&[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    upstream.is_not_read_again(&report);
}

#[test]
fn workers_share_clones() {
    let upstream = Upstream::large();
    let fleet = &upstream.fleet;
    upstream.planned(&["--tasks", "4", "--shard-above", "1"]);
    let campaign = || {
        let work = |index: &str| -> Child {
            let args = ["work", "--plan", "plan.json", "--results", "results", "--index", index, "--clones", "clones", "--fetch", FETCH];
            fleet.command(&args).stderr(Stdio::piped()).spawn().expect("sopup runs")
        };
        for worker in ["0", "1", "2", "3"].map(work) {
            let output = worker.wait_with_output().expect("ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let (run, report) = fleet.merged(&["--clones", "clones"]);
        assert_eq!((run.code, fingerprints(&report["secrets"]).len()), (1, 4), "{}", run.stderr);
    };
    campaign();
    campaign();
    campaign();
    assert_eq!(upstream.fetches(), 1);
    assert_eq!(upstream.clones(), ["git", "lock"]);
}

#[test]
fn a_clone_that_is_read_stays_as_it_is() {
    let upstream = Upstream::small();
    upstream.planned(&[]);
    let args = ["--clones", "clones", "--fetch", FETCH];
    assert_eq!(upstream.work(&args).code, 0);
    let lock = fs::File::open(upstream.clone("lock")).expect("a lock");
    lock.lock_shared().expect("is locked");
    fs::remove_dir_all(upstream.fleet.place.join("results")).expect("is removed");
    let failing = [&args[..], &["--update", "false"]].concat();
    assert_eq!(upstream.work(&failing).code, 0);
    assert_eq!(upstream.fetches(), 1, "another worker reads it");
    lock.unlock().expect("is unlocked");
    fs::rename(&upstream.bare, upstream.fleet.place.join("away.git")).expect("is moved");
    assert_eq!(upstream.work(&failing).code, 3, "it can neither be brought up to date nor fetched");
    assert!(upstream.clone("git").join("HEAD").exists(), "what is there is better than nothing");
    fs::rename(upstream.fleet.place.join("away.git"), &upstream.bare).expect("is moved back");
    assert_eq!(upstream.work(&failing).code, 0);
    assert_eq!(upstream.fetches(), 3);
}

#[test]
fn a_killed_fetch_leaves_nothing_for_long() {
    let upstream = Upstream::small();
    upstream.planned(&[]);
    let clones = ["--clones", "clones", "--fetch"];
    // The shell's parent is the worker.
    let mut worker = upstream.fleet.command(&["work", "--all", "--plan", "plan.json", "--results", "results"]);
    let killing = "git clone --quiet --mirror {url} {dir} && kill -KILL $PPID";
    let output = worker.args(clones).arg(killing).output().expect("sopup runs");
    assert_eq!(output.status.code(), None, "{}", String::from_utf8_lossy(&output.stderr));
    assert_ne!(upstream.clones(), Vec::<String>::new(), "something is left");
    assert_eq!(upstream.work(&[&clones[..], &[FETCH]].concat()).code, 0);
    assert_eq!(upstream.clones(), ["git", "lock"]);
    // Without a way to fetch, what is among the clones is taken.
    fs::remove_dir_all(upstream.fleet.place.join("results")).expect("is removed");
    let run = upstream.work(&["--clones", "clones"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(across(&upstream.fleet.merged(&[]).1).len(), 1);
}
