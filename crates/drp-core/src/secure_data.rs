//! The sealed form of a secure param's value (`models.md` §10.2).

use crate::wire::wire_object;

wire_object! {
    /// The JSON text of a value, sealed with a NaCl box to the public key of the object that holds it.
    ///
    /// All three are standard base64: 32 bytes, 24 bytes, and the text plus 16 bytes. This crate knows the shape only;
    /// whoever holds a key opens it.
    pub struct SecureData {
        /// The sealer's ephemeral public key.
        "Key" key: String,
        /// The nonce.
        "Nonce" nonce: String,
        /// Tag and cipher text.
        "Payload" payload: String,
    }
}
