//! `sopup fleet`: many repositories, workers that are killed, one report.

mod campaigns;
mod manifests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Numbers, Place, Run, binaries, finish, isolated, path_with};

const KEY: &str = "one key for all workers of the tests";
const SHARED: &str = "Orchid.Meadow.Tundra.898";

/// A folder of bare repositories: five that leak, one of them twice, one without secrets, one that is damaged.
struct Fleet {
    place: Place,
}

impl Fleet {
    fn new() -> Self {
        let place = Place::new();
        for (name, texts) in [
            ("a", &["The password is `Orchid.Meadow.Tundra.898`.\n"][..]),
            ("b", &["Nothing here.\n", "The password is `gR4nite-Falcon-27`.\n", "It was rotated.\n"]),
            ("c", &["The password is `Orchid.Meadow.Tundra.898`.\n", "The token is `W1ll0wC0pp3r54`, the password `W1ll0wC0pp3r54`.\n"]),
            ("d it's", &["The password is `Orchid.Meadow.Tundra.898`.\n"]),
            ("e", &["Nothing here.\n"]),
            ("broken", &["The password is `gR4nite-Falcon-27`.\n"]),
        ] {
            let work = Place::repository();
            for text in texts {
                work.write("notes.md", text).commit("notes");
            }
            let bare = place.join(&format!("repos/{name}.git"));
            let bare = bare.to_str().expect("UTF-8");
            work.git(["clone", "--quiet", "--mirror", ".", bare]);
        }
        // A folder of links is a folder of repositories, too.
        fs::rename(place.join("repos/e.git"), place.join("e-elsewhere.git")).expect("is moved");
        std::os::unix::fs::symlink("../e-elsewhere.git", place.join("repos/e.git")).expect("a link");
        let packs = place.join("repos/broken.git/objects");
        fs::remove_dir_all(&packs).expect("is removed");
        fs::write(&packs, "no folder").expect("is written");
        Self { place }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command();
        command.args(["fleet"]).args(args).env("SOPUP_FINGERPRINT_KEY", KEY);
        for name in ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX", "PARALLEL_SEQ"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        finish(self.command(args).output().expect("sopup runs"))
    }

    fn planned(&self, tasks: &str) -> Run {
        self.run(&["plan", "--folder", "repos", "--tasks", tasks, "--output", "plan.json"])
    }

    fn merged(&self, args: &[&str]) -> (Run, Value) {
        let run = self.run(&[&["merge", "--plan", "plan.json", "--results", "results", "--format", "json"], args].concat());
        let report = serde_json::from_str(&run.stdout).expect("JSON");
        (run, report)
    }

    /// What scans of single repositories find: for each fingerprint, the repositories and the count of places.
    fn alone(&self) -> BTreeMap<String, Vec<(String, usize)>> {
        let mut found = BTreeMap::<String, Vec<(String, usize)>>::new();
        for name in ["a", "b", "c", "d it's", "e"] {
            let mut command = self.place.command();
            command.args(["scan", "--format", "json", &format!("repos/{name}.git")]).env("SOPUP_FINGERPRINT_KEY", KEY);
            let run = finish(command.output().expect("sopup runs"));
            let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
            for finding in report["findings"].as_array().expect("findings") {
                let fingerprint = finding["fingerprint"].as_str().expect("a fingerprint").to_owned();
                let places = finding["occurrences"].as_array().expect("places").len();
                found.entry(fingerprint).or_default().push((format!("repos/{name}"), places));
            }
        }
        found
    }
}

/// The same of a merged report.
fn across(report: &Value) -> BTreeMap<String, Vec<(String, usize)>> {
    let secrets = report["secrets"].as_array().expect("secrets").iter();
    let of = |secret: &Value| {
        let places = secret["repositories"].as_array().expect("repositories").iter();
        let place = |place: &Value| (place["id"].as_str().expect("an id").to_owned(), place["places"].as_u64().expect("a count") as usize);
        (secret["fingerprint"].as_str().expect("a fingerprint").to_owned(), places.map(place).collect())
    };
    secrets.map(of).collect()
}

fn fingerprints(found: &Value) -> BTreeSet<String> {
    found.as_array().expect("a list").iter().map(|one| one["fingerprint"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn workers_that_are_killed_lose_nothing() {
    let fleet = Fleet::new();
    assert_eq!(fleet.planned("3").code, 0);
    let plan: Value = serde_json::from_str(&fs::read_to_string(fleet.place.join("plan.json")).expect("a plan")).expect("JSON");
    assert_eq!(plan["tasks"].as_array().map(Vec::len), Some(3));
    // The engines say the index in their own ways; each worker is killed at once the first time.
    let engines = [("JOB_COMPLETION_INDEX", "0"), ("SLURM_ARRAY_TASK_ID", "1"), ("PARALLEL_SEQ", "3")];
    let work = |(name, index): (&str, &str)| {
        let mut command = fleet.command(&["work", "--plan", "plan.json", "--results", "results"]);
        command.env(name, index).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sopup runs")
    };
    for engine in engines {
        let mut worker = work(engine);
        std::thread::sleep(std::time::Duration::from_millis(30));
        worker.kill().expect("is killed");
        worker.wait().expect("ends");
    }
    let mut codes: Vec<Option<i32>> = engines.map(work).into_iter().map(|mut worker| worker.wait().expect("ends").code()).collect();
    codes.sort();
    assert_eq!(codes, [Some(0), Some(0), Some(3)], "the damaged repository makes its task incomplete");
    let (run, report) = fleet.merged(&[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("repos/broken: not scanned: "), "{}", run.stderr);
    assert_eq!(across(&report), fleet.alone());
    let shared =
        report["secrets"].as_array().expect("secrets").iter().find(|secret| secret["repositories"].as_array().map(Vec::len) == Some(3));
    assert_eq!(shared.expect("in three")["in_head"], true);
    for form in ["json", "html", "markdown", "csv"] {
        let run = fleet.run(&["merge", "--plan", "plan.json", "--results", "results", "--format", form]);
        for secret in [SHARED, "gR4nite-Falcon-27", "W1ll0wC0pp3r54"] {
            assert!(!run.stdout.contains(secret), "{form} holds a secret");
        }
        assert!(run.stdout.contains("repos/d it"), "{form}: {}", run.stdout);
    }
    let page = fleet.run(&["merge", "--plan", "plan.json", "--results", "results", "--format", "html"]).stdout;
    fleet.run(&["merge", "--plan", "plan.json", "--results", "results", "--format", "csv", "--output", "fleet.csv"]);
    for file in ["fleet.csv", "results/00000.jsonl.zst"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(fleet.place.join(file)).expect("written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(page.contains("default-src &#39;none&#39;") && page.contains("<h1>3 secrets in 4 of 6 repositories</h1>"), "{page}");
}

#[test]
fn what_has_not_changed_is_not_scanned_again() {
    let fleet = Fleet::new();
    fleet.planned("2");
    let all = ["work", "--all", "--plan", "plan.json", "--results", "results"];
    assert_eq!(fleet.run(&all).code, 3);
    let (_, first) = fleet.merged(&[]);
    fs::write(fleet.place.join("first.json"), first.to_string()).expect("is written");
    // Whoever looked into this one again would fail.
    fs::rename(fleet.place.join("repos/c.git/objects"), fleet.place.join("objects-of-c")).expect("is moved");
    fs::create_dir_all(fleet.place.join("repos/c.git/objects")).expect("a folder");
    let work = Place::repository();
    work.write("more.md", "The password is `P3bble-Orbit-55`.\n").commit("more");
    work.git(["push", "--quiet", "--force", fleet.place.join("repos/a.git").to_str().expect("UTF-8"), "HEAD:main"]);
    assert_eq!(fleet.run(&all).code, 3);
    let (_, second) = fleet.merged(&["--previous", "first.json"]);
    let (before, after) = (across(&first), across(&second));
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
    let mut other = fleet.command(&["work", "--index", "0", "--plan", "plan.json", "--results", "results"]);
    other.env("SOPUP_FINGERPRINT_KEY", "another key that somebody made up").output().expect("sopup runs");
    let run = fleet.run(&["merge", "--plan", "plan.json", "--results", "results"]);
    assert!(run.code == 2 && run.stderr.contains("made with 2 different keys"), "{}", run.stderr);
    let new: Vec<&Value> = second["secrets"].as_array().expect("secrets").iter().filter(|secret| secret["new"] == true).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(new[0]["repositories"][0]["id"], "repos/a");
    assert_eq!(second["gone"], serde_json::json!([]));
}

#[test]
fn repositories_elsewhere_are_fetched_by_the_command_that_is_named() {
    let fleet = Fleet::new();
    let url = |name: &str| format!("file://{}/repos/{name}.git", fleet.place.path().display());
    fleet.place.write("list.txt", format!("{}\n{}\n{}\n", url("a"), url("c"), url("nowhere")));
    assert_eq!(fleet.run(&["plan", "--repos", "list.txt", "--output", "plan.json"]).code, 0);
    let work = ["work", "--index", "0", "--plan", "plan.json", "--results", "results", "--fetch", "git clone --quiet --mirror {url} {dir}"];
    let run = fleet.run(&work);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("nowhere: it cannot be fetched: exit status: 128: "), "{}", run.stderr);
    let left: Vec<PathBuf> =
        fs::read_dir(fleet.place.join("results")).expect("results").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(left, [fleet.place.join("results/00000.jsonl.zst")], "clones are removed");
    let (_, report) = fleet.merged(&[]);
    assert_eq!(across(&report).len(), 2);
    let kept = [&work[..], &["--clones", "clones"]].concat();
    assert_eq!(fleet.run(&kept).code, 3);
    assert_eq!(fs::read_dir(fleet.place.join("clones")).expect("clones").count(), 4, "two clones, each with its lock");
    assert_eq!(fleet.run(&kept).code, 3, "they are brought up to date");
}

#[test]
fn what_cannot_be_done_is_told() {
    let fleet = Fleet::new();
    fleet.planned("2");
    for (args, told) in [
        (&["work", "--plan", "plan.json", "--results", "r"][..], "no task is named"),
        (&["work", "--index", "9", "--plan", "plan.json", "--results", "r"], "there is no task 9"),
        (&["merge", "--plan", "plan.json", "--results", "nowhere"], "cannot read nowhere"),
        (&["merge", "--plan", "nowhere", "--results", "r"], "`sopup fleet plan` writes one"),
        (&["plan", "--folder", "results"], "cannot read results"),
        (&["plan", "--repos", "nowhere"], "cannot read nowhere"),
    ] {
        let run = fleet.run(args);
        assert!(run.code == 2 && run.stderr.contains(told), "{args:?}: {}", run.stderr);
    }
    let mut command = fleet.command(&["work", "--index", "0", "--plan", "plan.json", "--results", "r"]);
    let run = finish(command.env_remove("SOPUP_FINGERPRINT_KEY").output().expect("sopup runs"));
    assert!(run.code == 2 && run.stderr.contains("SOPUP_FINGERPRINT_KEY is not set"), "{}", run.stderr);
}

/// Tasks without results are named with what makes some, a few of many.
#[test]
fn tasks_without_results_are_named() {
    let fleet = Fleet { place: Place::new() };
    let list: String = (0..80).map(|number| format!("https://example.com/{number}.git\n")).collect();
    fleet.place.write("list.txt", list).write("one.txt", "https://example.com/a.git\n").write("results/none", "");
    let run = fleet.run(&["plan", "--repos", "list.txt", "--tasks", "80", "--output", "plan.json"]);
    assert_eq!(run.stderr, "note: 80 repositories in 80 tasks\n");
    let (run, _) = fleet.merged(&[]);
    assert!(run.code == 3 && run.stderr.contains("18, 19 … and 60 more have no results"), "{}", run.stderr);
    // Each of them fails to fetch its repository, which is a result.
    for index in (0..80).filter(|index| ![2, 7, 9].contains(index)) {
        fleet.run(&["work", "--plan", "plan.json", "--results", "results", "--index", &index.to_string()]);
    }
    let (run, _) = fleet.merged(&[]);
    assert!(run.stderr.contains("tasks 2, 7, 9 have no results") && run.stderr.contains("sbatch --array=2,7,9 job.sh"), "{}", run.stderr);
    assert!(run.stderr.contains("note: … and 57 more\n"), "{}", run.stderr);
    let run = fleet.run(&["plan", "--repos", "one.txt", "--output", "plan.json"]);
    assert_eq!(run.stderr, "note: 1 repository in 1 task\n");
    fs::remove_dir_all(fleet.place.join("results")).expect("is removed");
    fleet.place.write("results/none", "");
    let (run, _) = fleet.merged(&[]);
    assert!(run.stderr.contains("task 0 has no results: run `sopup fleet work --index 0 …`"), "{}", run.stderr);
    assert!(run.stderr.contains("1 of 1 repository is not known in full"), "{}", run.stderr);
}

/// An engine repeats a task that fails. One that could only be read in part would be repeated for nothing.
#[test]
fn a_repository_that_is_read_in_part_is_named_and_its_task_is_done() {
    let fleet = Fleet { place: Place::new() };
    let work = Place::repository();
    work.write("backup.zip", b"PK\x03\x04 cut off").write("more.zip", b"PK\x03\x04 cut").commit("archives");
    work.write("notes.md", "The password is `Orchid.Meadow.Tundra.898`.\n").commit("notes");
    let bare = fleet.place.join("repos/a.git");
    work.git(["clone", "--quiet", "--mirror", ".", bare.to_str().expect("UTF-8")]);
    assert_eq!(fleet.planned("1").code, 0);
    for _ in 0..2 {
        let run = fleet.run(&["work", "--plan", "plan.json", "--results", "results", "--index", "0"]);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
        assert!(
            run.stderr.starts_with("note: repos/a: not read in full, object ")
                && run.stderr.contains("archive")
                && run.stderr.contains(", and 1 more; "),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("Meadow"), "{}", run.stderr);
    }
    let (run, report) = fleet.merged(&[]);
    assert_eq!((run.code, report["secrets"].as_array().map(Vec::len)), (3, Some(1)), "{}", run.stderr);
}

#[test]
fn a_repository_without_head_is_named() {
    let fleet = Fleet::new();
    fs::remove_file(fleet.place.join("repos/a.git/HEAD")).expect("is removed");
    let run = fleet.planned("2");
    assert!(run.stderr.contains("repos/a.git: damaged, there is no HEAD"), "{}", run.stderr);
    fleet.run(&["work", "--all", "--plan", "plan.json", "--results", "results"]);
    assert!(fleet.merged(&[]).0.stderr.contains("repos/a: not scanned: "));
}

#[test]
fn a_repository_with_nothing_but_head_is_named() {
    let fleet = Fleet::new();
    for folder in ["objects", "refs"] {
        fs::remove_dir_all(fleet.place.join("repos/a.git").join(folder)).expect("is removed");
    }
    fleet.planned("2");
    fleet.run(&["work", "--all", "--plan", "plan.json", "--results", "results"]);
    let merged = fleet.merged(&[]).0;
    assert!(merged.stderr.contains("repos/a: not scanned: "), "{}", merged.stderr);
}

fn yaml(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).expect("YAML")
}

/// Each manifest is valid, and what it runs does the work.
#[test]
fn manifests_run_the_tasks() {
    let fleet = Fleet::new();
    fleet.planned("2");
    let manifest = |engine: &str| {
        let run = fleet.run(&["manifest", engine, "--plan", "plan.json", "--parallel", "2"]);
        assert_eq!(run.code, 0, "{engine}: {}", run.stderr);
        fleet.place.write(&format!("{engine}.yml"), &run.stdout);
        run.stdout
    };
    let job = manifest("kubernetes");
    let tools = std::env::var_os("SOPUP_TEST_PYTHON").expect("SOPUP_TEST_PYTHON is not set");
    let tool = |name: &str| Command::new(Path::new(&tools).with_file_name(name));
    let output = tool("kubernetes-validate").arg("--strict").arg(fleet.place.join("kubernetes.yml")).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let spec = &yaml(&job)["spec"];
    assert_eq!(spec["completions"], 2);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    // The command of the container, with its mounts where they are here.
    let here = |text: &str| text.replace("/plan/plan.json", "plan.json").replace("=/results", "=results").replace("=/clones", "=clones");
    let args: Vec<String> =
        pod["containers"][0]["args"].as_sequence().expect("args").iter().map(|arg| here(arg.as_str().expect("a text"))).collect();
    for index in ["0", "1"] {
        let mut command = fleet.place.command();
        command.args(&args).env("SOPUP_FINGERPRINT_KEY", KEY).env("JOB_COMPLETION_INDEX", index);
        assert!(matches!(finish(command.output().expect("sopup runs")).code, 0 | 3));
    }
    assert_eq!(across(&fleet.merged(&[]).1), fleet.alone());
    let workflow = yaml(&manifest("argo"));
    assert_eq!(workflow["spec"]["templates"][0]["steps"][0][0]["withSequence"]["count"], "2");
    let output = {
        manifest("github");
        tool("check-jsonschema")
            .args(["--builtin-schema", "vendor.github-workflows"])
            .arg(fleet.place.join("github.yml"))
            .output()
            .expect("it runs")
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for engine in ["slurm", "parallel"] {
        manifest(engine);
        let path = fleet.place.join(&format!("{engine}.yml"));
        assert!(Command::new("sh").arg("-n").arg(path).status().expect("sh runs").success(), "{engine}");
    }
    for (engine, holds) in [
        ("slurm", "job.sh; to go on after failures, submit the same again"),
        ("slurm", "#SBATCH --open-mode=append\n"),
        ("slurm", "\numask 077\n"),
        ("slurm", "--clones \"${TMPDIR:-/tmp}/sopup-clones-$(id -u)\" "),
        ("slurm", " -- --jobs \"${SLURM_CPUS_PER_TASK:-1}\"\n"),
        ("parallel", "sopup-clones-$(id -u)"),
        ("parallel", " -- --jobs 1"),
        ("kubernetes", "- --clones=/clones\n"),
        ("kubernetes", "- --\n            - --jobs=1\n"),
    ] {
        assert!(manifest(engine).contains(holds), "{engine}: {}", manifest(engine));
    }
    // Slurm runs its script once for each index.
    fs::remove_dir_all(fleet.place.join("results")).expect("is removed");
    for index in ["0", "1"] {
        let mut command = Command::new("sh");
        isolated(&mut command)
            .arg("slurm.yml")
            .current_dir(fleet.place.path())
            .env("PATH", path_with([binaries()]))
            .env("SLURM_ARRAY_TASK_ID", index);
        let run = finish(command.env("SOPUP_FINGERPRINT_KEY", KEY).output().expect("sh runs"));
        assert!(matches!(run.code, 0 | 3), "{}", run.stderr);
    }
    assert_eq!(across(&fleet.merged(&[]).1), fleet.alone());
}

/// What an engine does not take is told, and workers of one repository have one folder for its clone.
#[test]
fn manifests_fit_the_plan() {
    let fleet = Fleet { place: Place::new() };
    let list: String = (0..1001).map(|number| format!("https://example.com/{number}.git 4000000\n")).collect();
    fleet.place.write("list.txt", list);
    let manifest = |engine: &str| fleet.run(&["manifest", engine, "--plan", "plan.json", "--results", "shared/results"]);
    fleet.run(&["plan", "--repos", "list.txt", "--tasks", "1001", "--output", "plan.json"]);
    assert!(manifest("slurm").stderr.contains("`--tasks 1000` or fewer"));
    assert!(manifest("github").stderr.contains("`--tasks 256` or fewer"));
    assert_eq!(manifest("kubernetes").stderr, "");
    fleet.run(&["plan", "--repos", "list.txt", "--tasks", "4", "--shard-above", "1", "--output", "plan.json"]);
    for (engine, clones) in [
        ("slurm", "--clones shared/results/clones "),
        ("parallel", "--clones shared/results/clones "),
        ("kubernetes", "- --clones=/results/clones\n"),
        ("argo", "- --clones=/results/clones\n"),
    ] {
        let run = manifest(engine);
        assert!(run.stdout.contains(clones), "{engine}: {}", run.stdout);
        assert_eq!(run.stderr, "", "{engine}");
    }
    assert!(manifest("github").stderr.contains("plan without `--shard-above`"));
}

/// A repository with a secret and so many bytes of data in each of some commits.
fn large(commits: u32, bytes: usize) -> Place {
    let work = Place::repository();
    let mut random = Numbers(26);
    for round in 0..commits {
        let data: Vec<u8> = (0..bytes / 8).flat_map(|_| random.next().to_le_bytes()).collect();
        work.write(&format!("data/{round}.bin"), data);
        work.write("notes.md", format!("Round {round}. The password is `gR4nite-Falcon-2{round}`.\n")).commit("notes");
    }
    work
}

/// A repository that is too large for one worker is searched by several, and is one entry of the report.
#[test]
fn several_workers_search_one_repository() {
    let fleet = Fleet { place: Place::new() };
    let work = large(8, 1 << 19);
    let bare = fleet.place.join("repos/huge.git");
    work.git(["clone", "--quiet", "--mirror", ".", bare.to_str().expect("UTF-8")]);
    let run = fleet.run(&["plan", "--folder", "repos", "--tasks", "3", "--shard-above", "1", "--output", "plan.json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let plan = fs::read_to_string(fleet.place.join("plan.json")).expect("a plan");
    assert!(plan.contains("\"shard\":\"1/") && plan.matches("\"repositories\"").count() == 3, "{plan}");
    for index in ["0", "1", "2"] {
        let run = fleet.run(&["work", "--plan", "plan.json", "--results", "results", "--index", index]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let (run, merged) = fleet.merged(&[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let mut alone = fleet.place.command();
    alone.args(["scan", "--format", "json", "repos/huge.git"]).env("SOPUP_FINGERPRINT_KEY", KEY);
    let alone: Value = serde_json::from_str(&finish(alone.output().expect("sopup runs")).stdout).expect("JSON");
    assert_eq!(fingerprints(&merged["secrets"]), fingerprints(&alone["findings"]));
    assert_eq!((merged["repositories"].as_array().expect("a list").len(), merged["secrets"].as_array().expect("a list").len()), (1, 8));

    fs::remove_file(fleet.place.join("results/00001.jsonl.zst")).expect("is removed");
    let (run, _) = fleet.merged(&[]);
    assert!(run.code == 3 && run.stderr.contains("missing"), "{}", run.stderr);
    fs::rename(&bare, fleet.place.join("elsewhere.git")).expect("is moved");
    let (run, _) = fleet.merged(&[]);
    assert!(run.code == 3 && run.stderr.contains("--clones"), "{}", run.stderr);
}
