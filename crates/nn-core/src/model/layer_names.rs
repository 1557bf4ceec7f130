use std::collections::{BTreeMap, BTreeSet};

use crate::layers::LayerConfig;

/// The names of a network's layers and their parts, and where the numbers of numbered names have come to.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerNames {
    taken: BTreeSet<String>,
    /// For each beginning the first number that may be free; all before it are taken.
    next: BTreeMap<String, usize>,
}

/// They follow from the layers, which are compared.
impl PartialEq for LayerNames {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl LayerNames {
    /// Takes up the names of a layer and its parts; those that have none get one as in Keras, parts first.
    pub fn complete(&mut self, layer: &mut LayerConfig) {
        self.taken.extend(layer.names());
        self.give(layer);
    }

    fn give(&mut self, layer: &mut LayerConfig) {
        layer.parts_mut().into_iter().for_each(|part| self.give(part));
        if layer.name().is_none() {
            let name = self.numbered(layer.class_name());
            self.taken.insert(name.clone());
            layer.set_name(name);
        }
    }

    /// `Conv2D` gives `conv2d`, then `conv2d_1`, and so on, as in Keras.
    fn numbered(&mut self, class_name: &str) -> String {
        let base = snake_case(class_name);
        let next = self.next.entry(base.clone()).or_default();
        loop {
            let name = if *next == 0 { base.clone() } else { format!("{base}_{next}") };
            *next += 1;
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}

/// `MaxPooling2D` gives `max_pooling2d`, `ReLU` gives `re_lu`, as in Keras.
pub(crate) fn snake_case(class_name: &str) -> String {
    let mut base = String::new();
    for (i, c) in class_name.char_indices() {
        let after_lowercase = class_name[..i].ends_with(|previous: char| previous.is_lowercase());
        if c.is_uppercase() && after_lowercase {
            base.push('_');
        }
        base.extend(c.to_lowercase());
    }
    base
}
