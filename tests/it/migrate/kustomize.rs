//! What kustomize renders before and after a migration: nothing that a repository names is executed or fetched for it,
//! and what was not compared is said.

use std::net::TcpListener;

use super::bench::Bench;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  password: Zq7kQm4XbW9rLp2v\n";

/// A repository whose kustomization `k` lists a Secret and more.
fn hostile(kustomization: &str, more: &[(&str, &str)]) -> Bench {
    let bench = Bench::new();
    bench.place.write("k/s.yaml", SECRET).write("k/kustomization.yaml", kustomization);
    for (path, text) in more {
        bench.place.write(path, text);
    }
    bench
}

/// Migrates, and expects that `k` was named as not rendered.
fn is_named(bench: &Bench, case: &str) {
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{case}: {}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Not rendered and compared, because ") && run.stdout.contains(": k"), "{case}: {}", run.stdout);
    assert!(!run.stdout.contains("renders before and after"), "{case}: {}", run.stdout);
}

#[test]
fn no_command_of_the_repository_runs() {
    let place = Bench::new();
    let marker = place.place.join(".git/ran");
    let bad = format!("file://{}//y?version=--upload-pack=touch {}", place.place.join("x").display(), marker.display());
    let (bad, second) = (format!("resources: [\"{bad}\"]\n"), format!("resources: [\"{bad}\"]\n---\n"));
    let other_case = bad.replace("resources", "Resources");
    let further = |entry: &str| format!("resources: [s.yaml, \"{entry}\"]\n");
    let cases = [
        ("behind a link", further("../l"), vec![("real/kustomization.yaml", bad.as_str())]),
        ("ignored by git", further("../ig"), vec![("ig/kustomization.yaml", &bad), (".gitignore", "ig\n")]),
        ("named Kustomization", further("../n"), vec![("n/Kustomization", &bad)]),
        ("a key in another case", further("../n"), vec![("n/kustomization.yaml", &other_case)]),
        ("a second document", further("../n"), vec![("n/kustomization.yaml", &second)]),
        ("user@host", further("bob@127.0.0.1:x/y"), Vec::new()),
        ("host:path", further("github.com:org/repo"), Vec::new()),
        ("itself", bad.replace('[', "[s.yaml, "), Vec::new()),
    ];
    for (case, kustomization, more) in cases {
        let bench = hostile(&kustomization, &more);
        #[cfg(unix)]
        std::os::unix::fs::symlink("real", bench.place.join("l")).expect("a link");
        is_named(&bench, case);
        assert!(!marker.exists(), "{case}: a command of the repository ran");
    }
}

#[test]
fn nothing_is_fetched() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    server.set_nonblocking(true).expect("a socket");
    let address = format!("http://{}/x", server.local_addr().expect("an address"));
    for more in [
        format!("configMapGenerator: [{{name: c, files: [\"x={address}\"]}}]\n"),
        format!("configMapGenerator: [{{name: c, envs: [\"{address}\"]}}]\n"),
        format!("patches: [{{path: \"{address}\"}}]\n"),
        format!("openapi: {{path: \"{address}\"}}\n"),
        format!("replacements: [{{path: \"{address}\"}}]\n"),
        format!("crds: [\"{address}\"]\n"),
        format!("components: [\"{address}\"]\n"),
    ] {
        is_named(&hostile(&format!("resources: [s.yaml]\n{more}"), &[]), &more);
        assert!(server.accept().is_err(), "{more}: something was fetched");
    }
}

#[cfg(unix)]
#[test]
fn the_program_gets_an_environment_of_its_own() {
    let bench = hostile("resources: [s.yaml]\n", &[]);
    let seen = bench.place.join(".git/seen");
    let script = format!("#!/bin/sh\n(/usr/bin/env; /bin/pwd; echo \"$@\") >> '{}'\n/bin/cat \"$4\"/*.yaml\n", seen.display());
    bench.place.write(".git/tools/kustomize", script);
    let program = bench.place.join(".git/tools/kustomize");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
    bench.commit();
    bench.migrate_with(&bench.place.join(".git/tools"), ["--yes", "--no-history"]);
    let seen = std::fs::read_to_string(seen).expect("it was run");
    assert!(seen.contains("KUBECONFIG=/dev/null\n") && seen.contains("--load-restrictor LoadRestrictionsRootOnly"), "{seen}");
    let top = bench.place.path().to_string_lossy().into_owned();
    for word in ["SOPS_", "SOPUP_", "keys.txt", "/usr", top.as_str()] {
        let names = seen.lines().filter(|line| !line.starts_with("_=")).collect::<Vec<_>>().join("\n");
        assert!(!names.contains(word), "{word}: {names}");
    }
    let folder = seen.lines().find_map(|line| line.strip_prefix("HOME=")).expect("a home");
    assert!(!std::path::Path::new(folder).exists(), "{folder} is gone");
}

/// A file that mounts as it is.
const CONFIG: &str = "mode = fast\nretries = 3\nendpoint = https://api.example.org/v1\npassword = CIw9m+.JK4Y6f3\n";
const WORKLOAD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers:
  - name: main
    image: app
    volumeMounts: [{name: conf, mountPath: /conf}]
  volumes:
  - name: conf
    secret: {secretName: conf}
";

#[test]
fn a_file_that_a_generator_reads_is_compared() {
    for entry in ["server.conf", "server.conf=conf/server.conf"] {
        let bench = Bench::new();
        let path = entry.split('=').next_back().expect("a path");
        let kustomization = format!("resources: [pod.yaml]\nsecretGenerator:\n  - name: conf\n    files:\n      - {entry}\n");
        bench.place.write(path, CONFIG).write("pod.yaml", WORKLOAD).write("kustomization.yaml", kustomization).commit("all");
        let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
        assert_eq!(run.code, 1, "{entry}: {}{}", run.stdout, run.stderr);
        let told = "as what kustomize makes of . would differ: the file server.conf of the volume conf of Pod app has another value";
        assert!(run.stdout.contains(told), "{entry}: {}", run.stdout);
        // Nobody is asked to look at a plan that is written down: what was decided is refused as a whole.
        assert_eq!(bench.migrate(["--plan-out", ".git/plan.yaml"]).code, 0);
        let run = bench.migrate(["--apply", ".git/plan.yaml", "--include-review", "--no-history"]);
        assert!(run.code == 4 && run.stdout.contains("What kustomize renders would differ:"), "{}{}", run.stdout, run.stderr);
        assert_eq!(bench.place.git(["status", "--porcelain"]), "", "nothing was written");
    }
}

#[test]
fn nobody_renders_without_a_program() {
    let bench = hostile("resources: [s.yaml]\n", &[]);
    bench.commit();
    let run = bench.migrate_with(std::path::Path::new(""), ["--yes", "--no-history"]);
    assert!(run.stdout.contains("Not rendered and compared, because neither kustomize nor kubectl is on the PATH: k."), "{}", run.stdout);
}
