//! Values and their types, YAML and JSON, both directions (matrix cases 1 to 11 and 35).

use super::bench::{Bench, text};

const SIMPLE: &str = "a: hello\nb: \"two words\"\nc: 'x'\n";

#[test]
fn case_01_flat_yaml_from_us_opens_in_sops() {
    let bench = Bench::new();
    let encrypted = bench.encrypt("x.yaml", SIMPLE.as_bytes()).expect("encrypts");
    let plain = bench.sops_decrypt("x.yaml", &encrypted).expect("sops decrypts");
    assert_eq!(text(&plain), "a: hello\nb: two words\nc: x\n");
}

#[test]
fn case_02_flat_yaml_from_sops_opens_here() {
    let bench = Bench::new();
    let encrypted = bench.sops_encrypt("x.yaml", SIMPLE.as_bytes(), &[]);
    let plain = bench.decrypt("x.yaml", &encrypted).expect("decrypts");
    assert_eq!(text(&plain), "a: hello\nb: two words\nc: x\n");
}

#[test]
fn case_03_nested_maps_and_lists() {
    let bench = Bench::new();
    let plain = "a:\n    b:\n        - c: 1\n          d:\n            - x\n            - - y\n              - z\n        - e: f\n";
    let encrypted = bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts");
    assert_eq!(text(&bench.sops_decrypt("x.yaml", &encrypted).expect("sops decrypts")).replace("\"y\"", "y"), plain);
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    assert_eq!(text(&bench.decrypt("x.yaml", &theirs).expect("decrypts")).replace("\"y\"", "y"), plain);
}

#[test]
fn case_35_json_objects_both_ways() {
    let bench = Bench::new();
    let plain = "{\n\t\"a\": \"x<&>\",\n\t\"n\": 5,\n\t\"f\": 1.5,\n\t\"t\": true,\n\t\"e\": \"\",\n\t\"z\": null,\n\t\"l\": [\n\t\t1,\n\t\t{\n\t\t\t\"k\": \"v\"\n\t\t}\n\t],\n\t\"m\": {},\n\t\"q\": []\n}";
    let encrypted = bench.encrypt("x.json", plain.as_bytes()).expect("encrypts");
    let theirs = text(&bench.sops_decrypt("x.json", &encrypted).expect("sops decrypts"));
    let same: serde_json::Value = serde_json::from_str(&theirs).expect("JSON");
    assert_eq!(same, serde_json::from_str::<serde_json::Value>(plain).expect("JSON"));
    let encrypted = bench.sops_encrypt("x.json", plain.as_bytes(), &[]);
    let ours = text(&bench.decrypt("x.json", &encrypted).expect("decrypts"));
    assert_eq!(ours.trim_end(), plain);
}
