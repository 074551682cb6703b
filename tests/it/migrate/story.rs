//! A platform repository from end to end: everything that is found moves, the real sops opens every store, manifests
//! still render, a second run has nothing to do, and undoing puts every byte back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::bench::{Bench, Tree, is_encrypted};
use super::rendered::{kustomize, objects, secrets, seen_inside};
use crate::support::isolated;

/// Path, content with the secret in place, the secret.
const SECRETS: &[(&str, &str, &[&str])] = &[
    (
        "docs/staging/guide.md",
        "# Staging\n\n## Grafana\n\nLog in as `admin`; the password is `gR4nite-Falcon-27`.\n\n| Service | Password |\n|---|---|\n| mq | W1ll0wC0pp3r54! |\n",
        &["gR4nite-Falcon-27", "W1ll0wC0pp3r54!"],
    ),
    (
        ".env.example",
        "# copy to .env\nDATABASE_URL=\"postgres://app:Orchid.Meadow.Tundra.898@db.corp.net:5432/app\"\nJWT_SECRET=yI7CqhxNl5Mk6WGa\n",
        &["Orchid.Meadow.Tundra.898", "yI7CqhxNl5Mk6WGa"],
    ),
    ("services/api/.env.staging.example", "DB_PASSWORD=Canyon.Comet.Walnut.109\n", &["Canyon.Comet.Walnut.109"]),
    (
        "k8s/bases/db/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  password: VzJsRUlkN1l0bVpKZkVhbzVfaEo0\n",
        &["VzJsRUlkN1l0bVpKZkVhbzVfaEo0"],
    ),
    ("k8s/bases/db/kustomization.yaml", "resources:\n  - secret.yaml\n", &[]),
    (
        "k8s/bases/api/deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  selector:\n    matchLabels: {app: api}\n  template:\n    metadata:\n      labels: {app: api}\n    spec:\n      containers:\n        - name: api\n          image: api:1\n          envFrom:\n            - configMapRef:\n                name: api-config\n          env:\n            - name: ENCRYPTION_KEY\n              value: Meadow.Zephyr.Walrus.60\n            - name: DB\n              value: \"postgres://app:data_app_yovyoi7do@db:5432/app\"\n",
        &["Meadow.Zephyr.Walrus.60", "data_app_yovyoi7do"],
    ),
    (
        "k8s/bases/api/configmap.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: api-config\ndata:\n  LOG_LEVEL: info\n  ADMIN_PASSWORD: ihaapmpomM9xqT5Sa584\n",
        &["ihaapmpomM9xqT5Sa584"],
    ),
    ("k8s/bases/api/kustomization.yaml", "resources:\n  - deployment.yaml\n  - configmap.yaml\n", &[]),
    (
        "k8s/overlays/dev/kustomization.yaml",
        "namespace: dev\nresources:\n  - ../../bases/api\n  - ../../bases/db\nsecretGenerator:\n  - name: mail\n    literals:\n      - password=Lisbon2024xk7\n",
        &["Lisbon2024xk7"],
    ),
    ("k8s/overlays/staging/kustomization.yaml", "namespace: staging\nresources:\n  - ../../bases/api\n  - secrets.yaml\n", &[]),
    (
        "k8s/overlays/staging/secrets.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: platform\nstringData:\n  TOKEN: 488fe2decb3f6224c37070a080e6e40c8bda9ecdf03ce742\n",
        &["488fe2decb3f6224c37070a080e6e40c8bda9ecdf03ce742"],
    ),
    (
        "k8s/overlays/prod/kustomization.yaml",
        "namespace: prod\nresources:\n  - ../../bases/api\n  - ../../bases/db\n  - ../../bases/worker\n",
        &[],
    ),
    ("helm/app/values-staging.yaml", "grafana:\n  adminUser: admin\n  adminPassword: C0pp3rH4rb0r55\n", &["C0pp3rH4rb0r55"]),
    (
        "docker-compose.yml",
        "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: XvNT4hZiH15_Nr1WkqUOhzVz\n",
        &["XvNT4hZiH15_Nr1WkqUOhzVz"],
    ),
    ("terraform/prod.tfvars", "region = \"eu-south-2\"\ndb_password = \"KOf-SIjrc-2JV.Go.Jbz\"\n", &["KOf-SIjrc-2JV.Go.Jbz"]),
    (
        "terraform/main.tf",
        "provider \"aws\" {\n  allowed_account_ids = [\"296733347720\"]\n}\n\nvariable \"mq_password\" {\n  default = \"Harbor.Quartz.Lantern.731\"\n}\n\nvariable \"db_password\" {}\n",
        &["296733347720", "Harbor.Quartz.Lantern.731"],
    ),
    ("helm/app/values-prod.yaml", "image:\n  registry: 296733347720.dkr.ecr.eu-south-2.amazonaws.com\n", &[]),
    (
        "k8s/bases/worker/all.yaml",
        "apiVersion: apps/v1\nkind: CronJob\nmetadata:\n  name: worker\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n            - name: worker\n              image: worker:1\n              args: [run]\n              volumeMounts:\n                - {name: config, mountPath: /etc/worker}\n          volumes:\n            - name: config\n              configMap:\n                name: worker-config\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: worker-config\ndata:\n  worker.ini: |\n    [broker]\n    password = kR7vTq2LmZp9XwB4\n",
        &["kR7vTq2LmZp9XwB4"],
    ),
    ("k8s/bases/worker/kustomization.yaml", "resources:\n  - all.yaml\n", &[]),
    ("scripts/seed.sh", "#!/bin/sh\nPGPASSWORD=dZGticVp4YMga48 psql -h db -f seed.sql\n", &["dZGticVp4YMga48"]),
    ("config/application.properties", "spring.datasource.password=RWJI2VbeubSXvS.98z\n", &["RWJI2VbeubSXvS.98z"]),
    (
        "CLAUDE.md",
        "- Staging runs in AWS account 296733347720.\n- Registry: `296733347720.dkr.ecr.eu-south-2.amazonaws.com/app`\n",
        &["296733347720"],
    ),
];

/// Folders that `kubectl kustomize` renders.
const OVERLAYS: [&str; 3] = ["k8s/overlays/dev", "k8s/overlays/staging", "k8s/overlays/prod"];

fn platform() -> Bench {
    let bench = Bench::new();
    for (path, content, _) in SECRETS {
        bench.place.write(path, content);
    }
    bench.commit();
    bench
}

/// The values of a decrypted store.
fn values(path: &str, text: &str) -> Vec<String> {
    fn leaves(value: &serde_yaml::Value, found: &mut Vec<String>) {
        match value {
            serde_yaml::Value::Mapping(map) => map.values().for_each(|value| leaves(value, found)),
            serde_yaml::Value::Sequence(list) => list.iter().for_each(|value| leaves(value, found)),
            value => found.extend(value.as_str().map(str::to_owned)),
        }
    }
    if path.ends_with(".env") {
        return text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value.to_owned()).collect();
    }
    let mut found = Vec::new();
    leaves(&serde_yaml::from_str(text).expect("YAML"), &mut found);
    found
}

/// As what deploys it would: every store gives way to what it decrypts to.
fn decrypted_in_place(bench: &Bench, stores: &BTreeMap<String, String>) {
    stores.iter().for_each(|(path, text)| std::fs::write(bench.place.join(path), text).expect("writes"));
}

/// What the real sops decrypts every encrypted file to.
fn stores(bench: &Bench, tree: &Tree) -> BTreeMap<String, String> {
    tree.iter().filter(|(_, (bytes, _))| is_encrypted(bytes)).map(|(path, _)| (path.clone(), bench.decrypt(path))).collect()
}

#[test]
fn a_platform_repository_is_cleaned_and_put_back() {
    let bench = platform();
    let before = bench.tree();
    assert_eq!(bench.findings().len(), 22, "{:?}", bench.findings());
    let rendered: Vec<_> = OVERLAYS.iter().map(|overlay| kustomize(&bench, overlay)).collect();

    let planned = bench.migrate(["--dry-run"]).stdout;
    let reviewed = planned.lines().zip(planned.lines().skip(1)).filter(|(step, _)| step.contains(" needs-review "));
    let reasons: Vec<&str> = reviewed.map(|(_, reason)| reason.trim_start()).collect();
    let known = [
        "it may not be a secret (medium confidence)",
        "without secrets-",
        "Spring reads it from the environment",
        "whoever pastes it needs",
        "a program that gets a copy of this example signs",
        "where the example is copied as it is",
    ];
    assert!(reasons.iter().all(|reason| known.iter().any(|known| reason.starts_with(known))), "{planned}");
    let run = bench.migrate(["--yes", "--include-review"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.contains("3 kustomizations render before and after; their containers see the same values."), "{}", run.stdout);
    assert_eq!(bench.findings(), Vec::<String>::new());
    let after = bench.tree();

    let stores = stores(&bench, &after);
    let values: Vec<String> = stores.iter().flat_map(|(path, text)| values(path, text)).collect();
    for secret in SECRETS.iter().flat_map(|(_, _, secrets)| *secrets) {
        let holds = |value: &String| value == secret || (value.contains("://") || value.contains(" = ")) && value.contains(secret);
        assert!(values.iter().any(holds), "{secret} is in no store");
        for (path, (bytes, _)) in &after {
            assert!(!String::from_utf8_lossy(bytes).contains(secret), "{path} still holds {secret}");
        }
        assert!(!run.stdout.contains(secret), "{secret} was printed");
    }
    for (overlay, old) in OVERLAYS.iter().zip(&rendered) {
        let (old, new) = (objects(old), objects(&kustomize(&bench, overlay)));
        assert!(old.iter().all(|object| new.contains(object)), "{overlay} lost something: {old:?} {new:?}");
    }
    decrypted_in_place(&bench, &stores);
    for (overlay, old) in OVERLAYS.iter().zip(&rendered) {
        let new = kustomize(&bench, overlay);
        assert_eq!(seen_inside(&new), seen_inside(old), "{overlay}: containers see what they saw");
        let (old, new) = (secrets(old), secrets(&new));
        assert!(old.iter().all(|secret| new.contains(secret)), "{overlay}: Secrets hold what they held");
    }
    after.iter().for_each(|(path, (bytes, _))| std::fs::write(bench.place.join(path), bytes).expect("writes"));

    let again = bench.migrate(["--yes"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(bench.tree() == after, "a second run changes nothing");

    let undone = bench.migrate(["--undo"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(bench.tree() == before, "--undo puts every byte back");
}

#[test]
fn plan_journal_diff_and_messages_hold_no_secret() {
    let bench = platform();
    let runs = [vec!["--plan-out", ".git/plan.yaml"], vec!["--dry-run", "--include-review"], vec!["--yes", "--include-review"]]
        .map(|args| bench.migrate(args));
    runs.iter().for_each(|run| assert_eq!(run.code, 0, "{}", run.stderr));
    let mut files = vec![std::fs::read(bench.place.join(".git/plan.yaml")).expect("a plan")];
    let journals = std::fs::read_dir(bench.place.join(".git/sopup/journal")).expect("journals");
    for journal in journals {
        for file in std::fs::read_dir(journal.expect("a journal").path()).expect("a folder") {
            files.push(std::fs::read(file.expect("a file").path()).expect("a file"));
        }
    }
    assert_eq!(files.len(), 3);
    files.extend(runs.into_iter().flat_map(|run| [run.stdout.into_bytes(), run.stderr.into_bytes()]));
    for secret in SECRETS.iter().flat_map(|(_, _, secrets)| *secrets) {
        for spelling in spellings(secret) {
            assert!(files.iter().all(|file| !String::from_utf8_lossy(file).contains(&spelling)), "{secret} lies about");
        }
    }
}

/// As it is, in hexadecimal and in base64 at each of the three offsets.
fn spellings(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    let mut all = vec![secret.to_owned(), secret.bytes().map(|byte| format!("{byte:02x}")).collect()];
    for offset in 0..3 {
        let padded = format!("{}{secret}", "x".repeat(offset));
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(padded);
        all.push(encoded[(offset * 4).div_ceil(3)..encoded.len() - 1].to_owned());
    }
    all
}

#[test]
fn a_plan_file_is_applied_as_it_was_edited() {
    let bench = platform();
    let plan = bench.place.join(".git/plan.yaml");
    assert_eq!(bench.migrate(["--plan-out", ".git/plan.yaml"]).code, 0);
    let text = std::fs::read_to_string(&plan).expect("a plan");
    // Only the script is to be changed.
    let edited: String = text
        .split("\n- file: ")
        .map(|part| {
            if part.starts_with("scripts/") {
                part.replace("apply: null", "apply: true")
            } else {
                part.replace("apply: null", "apply: false")
            }
        })
        .collect::<Vec<_>>()
        .join("\n- file: ");
    std::fs::write(&plan, edited).expect("writes");
    let run = bench.migrate(["--apply", ".git/plan.yaml"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.place.git(["status", "--porcelain"]), " M scripts/seed.sh\n?? .gitattributes\n?? scripts/seed.sops.env\n");
    let run = bench.migrate(["--apply", ".git/plan.yaml"]);
    assert_eq!(run.code, 4, "a plan is bound to what it was made for: {}", run.stdout);
    assert!(run.stderr.contains("scripts/seed.sh"), "{}", run.stderr);
}

#[test]
fn stores_that_exist_are_extended() {
    let bench = platform();
    bench.place.write("plain.yaml", "old:\n    key: value-of-old\n");
    std::fs::create_dir_all(bench.place.join("secrets")).expect("a folder");
    let run = bench.sopup(["encrypt", "plain.yaml", "--output", "secrets/staging.enc.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    std::fs::remove_file(bench.place.join("plain.yaml")).expect("removes");
    bench.commit();
    let old = std::fs::read_to_string(bench.place.join("secrets/staging.enc.yaml")).expect("a store");
    let kept = old.lines().find(|line| line.contains("key: ENC[")).expect("a value").to_owned();
    assert_eq!(bench.migrate(["--yes", "--only", "docs/**"]).code, 1);
    let new = std::fs::read_to_string(bench.place.join("secrets/staging.enc.yaml")).expect("a store");
    assert!(new.contains(&kept), "values that do not change keep their ciphertext");
    let opened = bench.decrypt("secrets/staging.enc.yaml");
    assert!(opened.contains("value-of-old") && opened.contains("gR4nite-Falcon-27"));
}

#[test]
fn secrets_of_an_earlier_migration_take_more() {
    let bench = Bench::new();
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          env:\n            - name: ENCRYPTION_KEY\n              value: Meadow.Zephyr.Walrus.60\n";
    bench.place.write("api.yaml", manifest).write("kustomization.yaml", "resources:\n  - api.yaml\n");
    bench.commit();
    assert_eq!(bench.migrate(["--yes", "--include-review"]).code, 0);
    let text = std::fs::read_to_string(bench.place.join("api.yaml")).expect("a file");
    bench.place.write("api.yaml", format!("{text}            - name: MAIL_PASSWORD\n              value: Canyon.Comet.Walnut.109\n"));
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let opened = bench.decrypt("api-env.enc.yaml");
    assert!(opened.contains("ENCRYPTION_KEY: Meadow") && opened.contains("MAIL_PASSWORD: Canyon"), "{opened}");
    let listed = std::fs::read_to_string(bench.place.join("kustomization.yaml")).expect("a file");
    assert_eq!(listed.matches("api-env.enc.yaml").count(), 1, "{listed}");
}

#[test]
fn references_are_rendered() {
    let bench = Bench::new();
    let config = "{\"db\": {\"password\": \"CIw9m+.JK4Y6f3\", \"url\": \"redis://:L2ajuiDdq-XKD5c.Enx@h/0\"}}\n";
    bench.place.write("config/app.json", config);
    bench.commit();
    assert_eq!(bench.migrate(["--yes", "--include-review"]).code, 0);
    let text = std::fs::read_to_string(bench.place.join("config/app.json")).expect("a file");
    assert!(text.contains("ref+sops://secrets/shared.enc.yaml#/"), "{text}");
    let run = bench.sopup(["render", "config/app.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, config), "{}", run.stderr);
}

#[test]
fn nothing_is_left_for_git_to_ignore() {
    let bench = Bench::new();
    bench.place.write(".gitignore", "*.env\n").write(".env.example", "DB_PASSWORD=Canyon.Comet.Walnut.109\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut command = Command::new("git");
    let ignored =
        isolated(command.args(["check-ignore", "dev.sops.env"])).current_dir(Path::new(bench.place.path())).status().expect("git runs");
    assert!(!ignored.success(), "the store can be committed");
}

#[test]
fn places_that_nothing_announces_move_too() {
    let bench = Bench::new();
    let secret = "dZGticVp4YMga48";
    let (plain, encoded) = (format!("rows = [\"x{secret}\", \"{secret}\"]\n"), "blob ZFpHdGljVnA0WU1nYTQ4 end\n");
    bench.place.write("a.sh", format!("#!/bin/sh\nPGPASSWORD={secret} psql\n")).write("data.toml", plain).write("notes.md", encoded);
    bench.place.write("kept.toml", format!("rows = [\"{secret}\"] # sopup:allow\n"));
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = |path: &str| std::fs::read_to_string(bench.place.join(path)).expect("a file");
    assert_eq!(text("data.toml"), format!("rows = [\"x{secret}\", \"ref+sops://a.sops.env?format=dotenv#/A_PGPASSWORD\"]\n"));
    assert!(!text("notes.md").contains("ZFpH"), "{}", text("notes.md"));
    assert!(text("kept.toml").contains(secret));
}
