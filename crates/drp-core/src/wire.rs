//! How a wire object is declared: one line a key, read and written as Go peers do it.
//!
//! serde's own `flatten` cannot carry [`Raw`](crate::Raw) values, buffers every object it reads and is strict about
//! `null` and letter case, so the objects are declared with one macro instead. It is the only one of this crate.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
    ser::SerializeMap,
};

/// A group of keys: a whole object, or a mixin whose keys stand flat in the objects that have it.
pub(crate) trait Fields {
    /// Reads the value of `key` out of `map` if the key is one of this group's, and says whether it was.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    /// Writes every key of the group: the wire knows no omitted zero values.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// An object's key, borrowed from the input where it holds no escape.
pub(crate) struct WireKey<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for WireKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = WireKey<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(WireKey(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(WireKey(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Declares the keys of a mixin: a plain struct whose fields are written flat.
macro_rules! wire_mixin {
    ($(#[$meta:meta])* pub struct $name:ident {
        $( $(#[$field_meta:meta])* $key:literal $field:ident : $type:ty, )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::wire::Fields for $name {
            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self, key: &str, map: &mut A,
            ) -> Result<bool, A::Error> {
                $(
                    if key.eq_ignore_ascii_case($key) {
                        if let Some(value) = map.next_value::<Option<$type>>()? {
                            self.$field = value;
                        }
                        return Ok(true);
                    }
                )*
                Ok(false)
            }

            fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( map.serialize_entry($key, &self.$field)?; )*
                Ok(())
            }
        }
    };
}

/// Declares a wire object: its mixins, its keys in wire order, and `extra` for the keys nobody declared.
macro_rules! wire_object {
    ($(#[$meta:meta])* pub struct $name:ident {
        $( mixin $mixin:ident : $mixin_type:ty, )*
        $( $(#[$field_meta:meta])* $key:literal $field:ident : $type:ty, )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("The keys of [`", stringify!($mixin_type), "`], flat on the wire.")]
                pub $mixin: $mixin_type,
            )*
            $( $(#[$field_meta])* pub $field: $type, )*
            /// Keys this version does not know, kept and written back unchanged.
            pub extra: std::collections::BTreeMap<String, $crate::Raw>,
        }

        impl $crate::wire::Fields for $name {
            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self, key: &str, map: &mut A,
            ) -> Result<bool, A::Error> {
                $(
                    if key.eq_ignore_ascii_case($key) {
                        if let Some(value) = map.next_value::<Option<$type>>()? {
                            self.$field = value;
                        }
                        return Ok(true);
                    }
                )*
                $(
                    if $crate::wire::Fields::read(&mut self.$mixin, key, map)? {
                        return Ok(true);
                    }
                )*
                Ok(false)
            }

            fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( $crate::wire::Fields::write(&self.$mixin, map)?; )*
                $( map.serialize_entry($key, &self.$field)?; )*
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
                Ok(())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $crate::wire::Fields::write(self, &mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a ", stringify!($name), " object"))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some($crate::wire::WireKey(key)) = map.next_key()? {
                            if !$crate::wire::Fields::read(&mut object, &key, &mut map)? {
                                let value = map.next_value()?;
                                object.extra.insert(key.into_owned(), value);
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

pub(crate) use {wire_mixin, wire_object};
