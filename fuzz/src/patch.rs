//! JSON patches: two documents, of which one is made, and a document with a patch, as clients send it.

use drp_core::{Raw, json, patch::Patch};

pub(crate) fn run(data: &[u8]) {
    if let Ok((old, new)) = json::parse::<(Raw, Raw)>(data) {
        let made = Patch::between(&old, &new).apply(&old).expect("a patch applies to what it was made of");
        let left = Patch::between(&made, &new);
        assert!(left.0.is_empty(), "{left:?} is left of {new}");
    }
    let Ok((document, patch)) = json::parse::<(Raw, Patch)>(data) else { return };
    if let Err(error) = patch.apply(&document) {
        assert!(Patch(patch.0[..error.index].to_vec()).apply(&document).is_ok(), "{error} is not the first");
    }
    let written = serde_json::to_vec(&patch).expect("a patch is written");
    assert_eq!(serde_json::from_slice::<Patch>(&written).expect("what was written is read"), patch);
}
