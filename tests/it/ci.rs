//! The files for CI: valid by the published schemas, and their scripts run for real.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, Run, binaries, finish, isolated, path_with};

const OLD: &str = "DB_PASSWORD=Walrus88Timber\n";
const NEW: &str = "SMTP_PASSWORD=Kestrel41Fjord\n";

pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn tool(name: &str) -> Command {
    let python = std::env::var_os("SOPUP_TEST_PYTHON").expect("SOPUP_TEST_PYTHON names the python of the test tools");
    Command::new(Path::new(&python).with_file_name(name))
}

/// A clone whose origin has an old secret on main, with a branch that adds another one.
fn clone() -> Place {
    let place = Place::new();
    place.shell("git init --quiet --bare --initial-branch=main origin.git && git clone --quiet origin.git work 2>/dev/null");
    place.write("work/old.env", OLD);
    place.shell("cd work && git checkout --quiet -b main && git add . && git commit --quiet -m one && git push --quiet origin main");
    place.write("work/new.env", NEW);
    place.shell("cd work && git checkout --quiet -b topic && git add . && git commit --quiet -m two");
    place
}

fn commit(place: &Place, what: &str) -> String {
    place.shell(&format!("cd work && git rev-parse {what}")).trim().to_owned()
}

/// Runs a shell script in the clone, with sopup on PATH.
fn script(place: &Place, command: &mut Command, variables: &[(&str, &str)]) -> Run {
    for (name, _) in std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        ["GITHUB_", "RUNNER_", "CI_", "SOPUP"].iter().any(|start| name.starts_with(start))
    }) {
        command.env_remove(name);
    }
    let command = isolated(command).current_dir(place.join("work")).env("PATH", path_with([binaries()])).envs(variables.iter().copied());
    finish(command.env("XDG_STATE_HOME", place.join("state")).output().expect("the script runs"))
}

fn github(place: &Place, variables: &[(&str, &str)]) -> Run {
    let temp = place.path().to_string_lossy().into_owned();
    let (summary, output) = (format!("{temp}/summary.md"), format!("{temp}/output"));
    let mut all = vec![("RUNNER_TEMP", temp.as_str()), ("GITHUB_STEP_SUMMARY", &summary), ("GITHUB_OUTPUT", &output)];
    all.extend(variables);
    script(place, &mut Command::new(file("ci/github.sh")), &all)
}

#[test]
fn files_are_valid_by_their_schemas() {
    for (schema, path) in [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", ".github/workflows/check.yml"),
        ("vendor.github-workflows", ".github/workflows/release.yml"),
        ("vendor.gitlab-ci", "ci/gitlab.yml"),
    ] {
        let output = tool("check-jsonschema").args(["--builtin-schema", schema]).arg(file(path)).output().expect("check-jsonschema runs");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let output = tool("kubernetes-validate").args(["--strict"]).arg(file("ci/kubernetes-job.yaml")).output().expect("it runs");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_pull_request_fails_for_what_it_adds_alone() {
    let place = clone();
    let run = github(&place, &[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("::error file=new.env,line=1,"), "{}", run.stdout);
    assert!(!run.stdout.contains("old.env"), "{}", run.stdout);
    let summary = std::fs::read_to_string(place.join("summary.md")).expect("a summary");
    assert!(summary.contains("new.env") && !summary.contains("Kestrel41Fjord"), "{summary}");
    let sarif: serde_json::Value = serde_json::from_slice(&std::fs::read(place.join("sopup.sarif")).expect("a report")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"].as_array().expect("results").len(), 1);
    let output = std::fs::read_to_string(place.join("output")).expect("an output");
    assert_eq!(output, format!("sarif={}\n", place.join("sopup.sarif").display()));
}

#[test]
fn pushes_and_schedules() {
    let place = clone();
    let (before, after) = (commit(&place, "main"), commit(&place, "topic"));
    let push = [("GITHUB_EVENT_NAME", "push"), ("GITHUB_SHA", after.as_str())];
    let run = github(&place, &[push[0], push[1], ("SOPUP_BEFORE", &before)]);
    assert!(run.code == 1 && run.stdout.contains("new.env") && !run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);
    // After a forced push the commit before is not there.
    let gone = "1".repeat(40);
    let run = github(&place, &[push[0], push[1], ("SOPUP_BEFORE", &gone)]);
    assert!(run.code == 1 && run.stdout.contains("as after a forced push"), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("new.env") && run.stdout.contains("old.env"), "{}", run.stdout);
    let none = "0".repeat(40);
    for variables in [&[push[0], push[1], ("SOPUP_BEFORE", none.as_str())][..], &[("GITHUB_EVENT_NAME", "schedule")]] {
        let run = github(&place, variables);
        assert!(run.code == 1 && run.stdout.contains("new.env") && run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);
    }
    let run = github(&place, &[("GITHUB_EVENT_NAME", "schedule"), ("SOPUP_SCOPE", "changes")]);
    assert!(run.code == 2 && run.stdout.contains("use the scope 'auto' or 'everything'"), "{}", run.stdout);
    let run = github(&place, &[("GITHUB_EVENT_NAME", "push"), ("SOPUP_SCOPE", "all")]);
    assert!(run.code == 2 && run.stdout.contains("'all' is none of auto, changes, everything"), "{}", run.stdout);
    let run = github(&place, &[("GITHUB_EVENT_NAME", "schedule"), ("SOPUP_FAIL_ON", "critical")]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    // Without it, the configuration decides.
    place.write("work/.sopup.yaml", "fail_on: critical\n");
    for variables in [&[("GITHUB_EVENT_NAME", "schedule")][..], &[("GITHUB_EVENT_NAME", "schedule"), ("SOPUP_FAIL_ON", "")]] {
        let run = github(&place, variables);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }
    let run = github(&place, &[("GITHUB_EVENT_NAME", "schedule"), ("SOPUP_ARGUMENTS", "--worktree --exit-zero")]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

pub(crate) fn yaml(path: &str) -> serde_yaml::Value {
    serde_yaml::from_str(&std::fs::read_to_string(file(path)).expect("reads")).expect("YAML")
}

fn text(value: &serde_yaml::Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn shell(place: &Place, text: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    script(place, Command::new("sh").args(["-eu", "-c", text, "sh"]).args(arguments), variables)
}

#[test]
fn the_job_of_gitlab() {
    let place = clone();
    let job = &yaml("ci/gitlab.yml")["sopup"];
    let lines = text(&job["script"][0]);
    let (before, after) = (commit(&place, "main"), commit(&place, "topic"));
    let merge = [("CI_MERGE_REQUEST_DIFF_BASE_SHA", before.as_str()), ("CI_COMMIT_SHA", &after), ("SOPUP_ARGUMENTS", "")];
    let run = shell(&place, &lines, &[], &merge);
    assert!(run.code == 1 && run.stdout.contains("new.env") && !run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);
    let reports: BTreeMap<String, String> = serde_yaml::from_value(job["artifacts"]["reports"].clone()).expect("reports");
    for report in reports.values() {
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(place.join("work").join(report)).expect("a report")).expect("JSON");
        assert!(!json.to_string().contains("Kestrel41Fjord"), "{report}");
    }
    let run = shell(&place, &lines, &[], &[("SOPUP_ARGUMENTS", "--worktree")]);
    assert!(run.code == 1 && run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn templates_for_clusters() {
    let place = clone();
    let task = text(&yaml("ci/tekton-task.yaml")["spec"]["steps"][0]["script"]);
    let run = shell(&place, &task, &["--exit-zero"], &[("RANGE", "main..topic")]);
    assert!(run.code == 0 && run.stdout.contains("new.env") && !run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);
    let run = shell(&place, &task, &[], &[("RANGE", "")]);
    assert!(run.code == 1 && run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);

    let template = text(&yaml("ci/argo-workflow.yaml")["spec"]["templates"][0]["script"]["source"]);
    let report = place.join("report.html");
    let run = shell(&place, &template, &[], &[("REPORT", &report.to_string_lossy())]);
    assert!(run.code == 1 && run.stdout.contains("old.env") && report.exists(), "{}{}", run.stdout, run.stderr);

    let container = &yaml("ci/kubernetes-job.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(serde_yaml::to_string(&container["command"]).expect("YAML"), "- sh\n- -eu\n- -c\n");
    let clone = place.join("origin.git");
    let run = shell(
        &place,
        &text(&container["args"][0]),
        &[],
        &[("REPOSITORY", &clone.to_string_lossy()), ("WORK", &place.path().to_string_lossy())],
    );
    assert!(run.code == 1 && run.stdout.contains("old.env"), "{}{}", run.stdout, run.stderr);
}
