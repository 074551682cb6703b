//! What Kubernetes' own client makes of a manifest.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use super::Fleet;
use crate::support::{finish, isolated};

/// What a cluster says about the kinds of objects that it has: Jobs.
fn discovery(path: &str) -> Option<Value> {
    let version = json!({"groupVersion": "batch/v1", "version": "v1"});
    let job = json!({"name": "jobs", "singularName": "job", "namespaced": true, "kind": "Job", "verbs": ["create", "get"]});
    Some(match path {
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
        "/apis" => json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": [{"name": "batch", "versions": [version], "preferredVersion": version}],
        }),
        "/api/v1" => json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": []}),
        "/apis/batch/v1" => json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "batch/v1", "resources": [job]}),
        _ => return None,
    })
}

/// Answers until the test ends.
fn serve(server: &TcpListener) {
    for stream in server.incoming() {
        let mut stream = stream.expect("a connection");
        let mut reader = BufReader::new(stream.try_clone().expect("a connection"));
        let mut request = String::new();
        reader.read_line(&mut request).expect("a request");
        let mut header = String::new();
        while reader.read_line(&mut header).is_ok_and(|length| length > 2) {
            header.clear();
        }
        let path = request.split(' ').nth(1).and_then(|path| path.split('?').next()).unwrap_or_default();
        let (status, body) = discovery(path).map_or(("404 Not Found", "{}".to_owned()), |body| ("200 OK", body.to_string()));
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // Who hung up needs no answer.
        let _ = stream.write_all((head + &body).as_bytes());
    }
}

#[test]
fn kubectl_takes_the_job() {
    let fleet = Fleet::new();
    fleet.planned("2");
    let job = fleet.run(&["manifest", "kubernetes", "--plan", "plan.json"]).stdout;
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", server.local_addr().expect("an address"));
    std::thread::spawn(move || serve(&server));
    let kubectl = std::env::var_os("SOPUP_TEST_KUBECTL").unwrap_or_else(|| "kubectl".into());
    let create = |manifest: &str| {
        fleet.place.write("job.yaml", manifest);
        let mut command = Command::new(&kubectl);
        command.args(["create", "--dry-run=client", "--validate=ignore", "--server", &address, "--filename", "job.yaml"]);
        command.args(["--output", "jsonpath={.spec.completionMode} {.spec.completions}"]);
        finish(isolated(&mut command).current_dir(fleet.place.path()).output().expect("kubectl runs"))
    };
    let run = create(&job);
    assert_eq!((run.code, run.stdout.as_str()), (0, "Indexed 2"), "{}", run.stderr);
    assert_ne!(create(&job.replace("kind: Job", "kind: Jib")).code, 0);
}
