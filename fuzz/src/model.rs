//! Objects of every type, as they come from servers, providers and content.

use drp_core::{MODELS, RawModel, json};

pub(crate) fn run(data: &[u8]) {
    let Ok(object) = json::parse::<RawModel>(data) else { return };
    for model in &MODELS {
        // What is wrong is told or refused, whatever came.
        let _ = (model.validate)(&object);
        let mut filled = object.clone();
        if filled.fill(model.keys).is_ok() {
            let once = filled.clone();
            filled.fill(model.keys).expect("what is filled fits");
            assert_eq!(filled, once, "{}: filled twice is filled once", model.prefix);
        }
    }
}
