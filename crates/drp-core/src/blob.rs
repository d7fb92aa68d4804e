//! What a server tells of files and indexes (`models.md` §4, §5.7, §21.2).

use crate::wire::wire_object;

wire_object! {
    /// A file or ISO that was uploaded.
    pub struct BlobInfo {
        /// Where it is.
        "Path" path: String,
        /// Bytes.
        "Size" size: i64,
    }
}

wire_object! {
    /// A provider's executable that was uploaded. An answer of v4 servers has the provider beside it, in `extra`.
    pub struct PluginProviderUploadInfo {
        /// Where it is.
        "path" path: String,
        /// Bytes.
        "size" size: i64,
    }
}

wire_object! {
    /// Something that objects of a type can be found, filtered or sorted by.
    pub struct Index {
        /// What is compared, such as `string` or `dateTime`.
        "Type" type_: String,
        /// No two objects have the same value, and `NAME:VALUE` stands for the object.
        "Unique" unique: bool,
        /// Objects cannot be sorted by it.
        "Unordered" unordered: bool,
        /// It can be compared with a regular expression.
        "Regex" regex: bool,
    }
}
