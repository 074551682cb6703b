//! Tests of [`Outline`](super::Outline).

use super::*;

const TEXT: &str = "\
kind: Deployment
spec:
  containers:
  - name: api # the api
    env:
      - name: A
        value: \"x: y\"
      - name: B
        value: it's
  text: |
    key: no key
    more

  last: 'a''b'
---
kind: Secret
";

#[test]
fn paths_lead_through_maps_and_lists() {
    let outline = Outline::new(TEXT);
    let shown = |item: &Item| {
        let parts = item.path.iter().map(|part| match part {
            Part::Key(key) => key.clone(),
            Part::Index(index) => index.to_string(),
        });
        format!("{}:{}={}", item.document, parts.collect::<Vec<_>>().join("."), outline.scalar(item).unwrap_or_default())
    };
    let all: Vec<String> = outline.items().iter().map(shown).collect();
    assert_eq!(
        all,
        [
            "0:kind=Deployment",
            "0:spec=",
            "0:spec.containers=",
            "0:spec.containers.0=",
            "0:spec.containers.0.name=api",
            "0:spec.containers.0.env=",
            "0:spec.containers.0.env.0=",
            "0:spec.containers.0.env.0.name=A",
            "0:spec.containers.0.env.0.value=x: y",
            "0:spec.containers.0.env.1=",
            "0:spec.containers.0.env.1.name=B",
            "0:spec.containers.0.env.1.value=it's",
            "0:spec.text=",
            "0:spec.last=a'b",
            "1:kind=Secret",
        ]
    );
}

#[test]
fn flow_style_and_json_are_read_where_asked_for() {
    let shown = |text: &str| -> Vec<String> {
        let outline = Outline::with_flow(text);
        let keys = |item: &Item| item.path.iter().map(|part| format!("{part:?}")).collect::<String>();
        let all = outline.items().iter().map(|item| format!("{}={}", keys(item), outline.scalar(item).unwrap_or_default()));
        all.map(|one| one.replace("Key(\"", ".").replace("Index(", "[").replace("\")", "").replace(')', "]")).collect()
    };
    assert_eq!(
        shown("smtp: {user: app, password: Tun-90} # note\nlast: x\n"),
        [".smtp=", ".smtp.user=app", ".smtp.password=Tun-90", ".last=x"]
    );
    let json = "{\"kind\": \"Secret\",\n \"data\":{\"a\": \"b\\\"c\"}, \"l\": [1, {\"x\": 2}]}\n";
    assert_eq!(shown(json), [".kind=Secret", ".data=", ".data.a=b\"c", ".l=", ".l[0]=1", ".l[1]=", ".l[1].x=2"]);
    assert_eq!(shown("a: {{ .Values.x }}\nb: [\n  1, # one\n  2\n]\nc: d\n"), [".a=", ".b=", ".b[0]=1", ".b[1]=2", ".c=d"]);
    assert_eq!(shown("a: {b: c\nd: e\n"), [".a=", ".d=e"]);
    let text = "smtp: {user: app, password: Tun-90}\n";
    let outline = Outline::with_flow(text);
    let at = text.find("Tun").expect("is there");
    assert_eq!(outline.holding(Span::new(at, at + 6)).and_then(Item::keys), Some(vec!["smtp", "password"]));
    assert_eq!(Outline::new(text).items().len(), 1);
}

#[test]
fn block_texts_and_subtrees_have_their_places() {
    let outline = Outline::new(TEXT);
    let text = outline.key(0, &["spec", "text"]).expect("is there");
    assert_eq!(&TEXT[text.value.range()], "    key: no key\n    more");
    let containers = outline.key(0, &["spec", "containers"]).expect("is there");
    assert!(TEXT[containers.start..containers.end].ends_with("value: it's\n"));
    let at = TEXT.find("more").expect("is there");
    assert_eq!(outline.holding(Span::new(at, at + 4)).and_then(Item::name), Some("text"));
}
