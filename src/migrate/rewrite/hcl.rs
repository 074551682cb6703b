//! The blocks of a Terraform file around a place. Nothing is evaluated.

/// The headers of the blocks that are open at an offset, outermost first: `terraform`, `backend "s3"`, `tags =`.
pub(super) fn blocks(text: &str, offset: usize) -> Vec<&str> {
    let mut open = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at >= offset {
            break;
        }
        let line = &line[..line.len().min(offset - at)];
        let (mut quoted, mut escaped) = (false, false);
        for (place, c) in line.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '#' if !quoted => break,
                '/' if !quoted && line[place..].starts_with("//") => break,
                '{' if !quoted => open.push(header(&line[..place])),
                '}' if !quoted => {
                    open.pop();
                }
                _ => {}
            }
        }
        at += line.len();
    }
    open
}

/// What stands before a brace, up to the one before it.
fn header(before: &str) -> &str {
    before.rsplit(['{', '}']).next().unwrap_or(before).trim()
}

/// The name of a block such as `variable "region"`, if it is of this type.
pub(super) fn name_of<'h>(header: &'h str, kind: &str) -> Option<&'h str> {
    header.strip_prefix(kind)?.trim().strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_seen_around_a_place() {
        let text = "# {\nresource \"a\" \"b\" {\n  x = \"${c[\"{\"]}\"\n}\nterraform {\n  backend \"s3\" { bucket = \"HERE\" }\n}\nTHERE\n";
        let around = |needle: &str| blocks(text, text.find(needle).expect("is there"));
        assert_eq!(around("HERE"), ["terraform", "backend \"s3\""]);
        assert_eq!(around("x ="), ["resource \"a\" \"b\""]);
        assert_eq!(around("THERE"), Vec::<&str>::new());
        assert_eq!(name_of("variable \"region\"", "variable"), Some("region"));
        assert_eq!(name_of("variables", "variable"), None);
    }
}
