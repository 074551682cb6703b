//! Binary: any bytes, encrypted as one value `data` of a JSON file.

use super::json::Json;
use super::{Layout, Limits, ReadError, Source, Store, Style, WriteError};
use crate::sops::metadata::Metadata;
use crate::sops::tree::{Map, Node, Scalar, Text, Tree};

/// The binary store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Binary {
    /// Bounds on what is read.
    pub limits: Limits,
    /// How the JSON around the value looks.
    pub style: Style,
}

/// The only key of a binary file.
const KEY: &str = "data";

impl Store for Binary {
    fn read_plain(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        self.limits.size(bytes)?;
        let mut map = Map::default();
        map.insert(KEY, Node::Scalar(Scalar::Text(Text::new(bytes.to_vec()))));
        Ok(Source { tree: Tree { documents: vec![map] }, metadata: None, refusals: Vec::new(), altered: Vec::new(), layout: Layout::None })
    }

    fn read_encrypted(&self, bytes: &[u8]) -> Result<Source, ReadError> {
        // Base64 makes the encrypted form a third larger than the plain one.
        let limits = Limits { bytes: self.limits.bytes.saturating_mul(2), ..self.limits };
        self.json(limits).read_encrypted(bytes)
    }

    fn write(&self, tree: &Tree, metadata: Option<&Metadata>, source: Option<&Source>) -> Result<Vec<u8>, WriteError> {
        if metadata.is_some() {
            return self.json(self.limits).write(tree, metadata, source);
        }
        let data = tree.documents.first().and_then(|map| map.get(KEY));
        match data {
            Some(Node::Scalar(Scalar::Text(text))) => Ok(text.expose().to_vec()),
            _ => {
                let what = "anything but one text under the key `data`".to_owned();
                Err(WriteError::Unrepresentable { format: "binary", what })
            }
        }
    }

    fn print_value(&self, _: &Node) -> Result<Vec<u8>, WriteError> {
        Err(WriteError::Unrepresentable { format: "binary", what: "values other than text".to_owned() })
    }
}

impl Binary {
    /// The store of the encrypted form.
    const fn json(&self, limits: Limits) -> Json {
        Json { limits, style: Style { json_indent: self.style.binary_indent, ..self.style } }
    }
}
