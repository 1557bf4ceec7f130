use std::collections::HashSet;

use super::LayerWeights;
use crate::keras::KerasError;
use crate::keras::hdf5::{Group, Hdf5};
use crate::quoted::quoted;

/// Reads the layout of Keras 1, 2 and of `.h5` files since: a group per layer in the order of the attribute
/// `layer_names`, in each the datasets of the attribute `weight_names`. A whole model has all that in the group
/// `model_weights`. None if the file is of another kind.
pub(super) fn read(hdf5: &Hdf5) -> Result<Option<Vec<LayerWeights>>, KerasError> {
    const LIST: &str = "layer_names";
    const OUTSIDE: &str = "top_level_model_weights";
    let mut model = hdf5.root()?;
    let mut layers = model.names(LIST)?;
    if layers.is_none() && model.members()?.0.iter().any(|name| name == "model_weights") {
        model = model.group("model_weights")?;
        layers = model.names(LIST)?;
        if layers.is_none() {
            return Err(model.error(&format!("@{LIST}"), "there is no such attribute"));
        }
    }
    let Some(layers) = layers else { return Ok(None) };
    if model.members()?.0.iter().any(|name| name == OUTSIDE) {
        let outside = model.group(OUTSIDE)?;
        if outside.names("weight_names")?.is_some_and(|names| !names.is_empty()) {
            return Err(outside.error("", "the model has weights outside its layers, which is not supported"));
        }
    }
    refuse_twice(&model, LIST, &layers)?;
    layers.into_iter().map(|layer| read_layer(&model, layer)).collect::<Result<_, _>>().map(Some)
}

fn read_layer(model: &Group, layer: String) -> Result<LayerWeights, KerasError> {
    const LIST: &str = "weight_names";
    let mut group = model.clone();
    // Names of layers may have slashes.
    for part in layer.split('/') {
        if part.is_empty() || part == "." || part == ".." {
            return Err(model.error(&layer, "not a layer's name"));
        }
        group = group.group(part)?;
    }
    let names =
        group.names(LIST)?.ok_or_else(|| group.error(&format!("@{LIST}"), "there is no such attribute"))?;
    refuse_twice(&group, LIST, &names)?;
    let weights = names.into_iter().map(|name| {
        let array = group.array(&name)?;
        Ok((name, array))
    });
    Ok(LayerWeights { weights: weights.collect::<Result<_, _>>()?, layer, place: None })
}

/// A name that is listed twice would have its array read twice, of as many names as the attribute can hold.
fn refuse_twice(group: &Group, list: &str, names: &[String]) -> Result<(), KerasError> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(group.error(&format!("@{list}"), format!("{} is listed twice", quoted(name)))),
        None => Ok(()),
    }
}
