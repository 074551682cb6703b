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
        // Strings and the `${…}` in them, innermost last; both end on the line that they begin on.
        let (mut inside, mut escaped): (Vec<char>, bool) = (Vec::new(), false);
        for (place, c) in line.char_indices() {
            match (c, inside.last()) {
                _ if escaped => escaped = false,
                ('\\', Some('"')) => escaped = true,
                ('"', Some('"')) | ('}', Some('{')) => _ = inside.pop(),
                ('{', Some('"')) if line[..place].ends_with(['$', '%']) => inside.push('{'),
                (_, Some('"')) => {}
                ('"' | '{', Some(_)) | ('"', None) => inside.push(c),
                ('#', None) => break,
                ('/', None) if line[place..].starts_with("//") => break,
                ('{', None) => open.push(header(&line[..place])),
                ('}', None) => _ = open.pop(),
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
