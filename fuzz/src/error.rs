//! Error objects, as they come from providers and servers.

use drp_core::Error;

pub(crate) fn run(data: &[u8]) {
    let Ok(error) = serde_json::from_slice::<Error>(data) else { return };
    let _ = error.to_string();
    let written = serde_json::to_vec(&error).expect("an error object is written");
    let again: Error = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(again, error);
}
