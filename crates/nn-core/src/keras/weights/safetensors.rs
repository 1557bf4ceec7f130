use std::collections::HashMap;
use std::path::Path;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::LayerWeights;
use crate::checkpoint::refuse_duplicate_names;
use crate::files::write_atomically;
use crate::keras::{KerasError, file};
use crate::quoted::quoted;
use crate::tensor::tensor;

/// Where the order of layers and arrays stands: a JSON list of [`Entry`].
const ORDER: &str = "layers";

/// A layer with its arrays: `[layer, [array, ..]]`, and its place if it has one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Placed(String, Vec<String>, String),
    Plain(String, Vec<String>),
}

/// Saves layers as a [safetensors](https://github.com/huggingface/safetensors) file of `f32`, written whole or not at all.
/// Tensors are named `layer/array`; the header keeps the order. Equal weights give equal bytes.
///
/// # Errors
/// If two arrays have one name or the file cannot be written.
pub fn save_safetensors(layers: &[LayerWeights], path: &Path) -> Result<(), KerasError> {
    let mut tensors = HashMap::new();
    let mut order = Vec::new();
    for layer in layers {
        let names = layer.weights.iter().map(|(name, _)| name.clone()).collect();
        order.push(match &layer.place {
            Some(place) => Entry::Placed(layer.layer.clone(), names, place.clone()),
            None => Entry::Plain(layer.layer.clone(), names),
        });
        for (name, array) in &layer.weights {
            let bytes: Vec<u8> = array.iter().flat_map(|value| value.to_le_bytes()).collect();
            if tensors.insert(key(&layer.layer, name), (array.shape().to_vec(), bytes)).is_some() {
                return Err(KerasError::layer(
                    path,
                    &layer.layer,
                    format!("array {}: the name is taken", quoted(name)),
                ));
            }
        }
    }
    let order = serde_json::to_string(&order).map_err(|e| KerasError::format(path, e))?;
    let views = tensors.iter().map(|(name, (shape, bytes))| {
        TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view))
    });
    let file = views
        .collect::<Result<Vec<_>, _>>()
        .and_then(|views| ::safetensors::serialize(views, Some(HashMap::from([(ORDER.into(), order)]))))
        .map_err(|e| KerasError::format(path, e))?;
    write_atomically(path, &file).map_err(KerasError::io(path))
}

/// Reads what [`save_safetensors`] wrote: the same layers in the same order, bit for bit.
///
/// # Errors
/// If the file cannot be read, is not such a file, or holds other tensors than its header lists.
pub fn load_safetensors(path: &Path) -> Result<Vec<LayerWeights>, KerasError> {
    let format = |problem: String| KerasError::format(path, problem);
    let bytes = file::bytes(path, file::LARGEST)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| format(e.to_string()))?;
    refuse_duplicate_names(&bytes).map_err(|e| format(e.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| format(e.to_string()))?;
    let order = header.metadata().as_ref().and_then(|metadata| metadata.get(ORDER));
    let order = order.ok_or_else(|| format(format!("the header does not tell the order, {ORDER:?}")))?;
    let order: Vec<Entry> = serde_json::from_str(order)
        .map_err(|_| format(format!("{ORDER:?} in the header is no list of layers with their arrays")))?;
    let order = order.into_iter().map(|entry| match entry {
        Entry::Placed(layer, names, place) => (layer, names, Some(place)),
        Entry::Plain(layer, names) => (layer, names, None),
    });
    let order: Vec<_> = order.collect();
    let listed: usize = order.iter().map(|(_, names, _)| names.len()).sum();
    if listed != file.len() {
        return Err(format(format!("{} tensors, but {listed} are listed in {ORDER:?}", file.len())));
    }
    let layers = order.into_iter().map(|(layer, names, place)| {
        let weights = names.into_iter().map(|name| {
            let error = |problem: String| {
                KerasError::layer(path, &layer, format!("array {}: {problem}", quoted(&name)))
            };
            let stored = file.tensor(&key(&layer, &name)).map_err(|e| error(e.to_string()))?;
            if stored.dtype() != Dtype::F32 {
                return Err(error(format!("has type {:?}, expected F32", stored.dtype())));
            }
            let values: Vec<f32> =
                stored.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(error(format!("contains {value}")));
            }
            let array = tensor(stored.shape(), values);
            Ok((name, array))
        });
        Ok(LayerWeights { weights: weights.collect::<Result<_, _>>()?, layer: layer.clone(), place })
    });
    layers.collect()
}

fn key(layer: &str, array: &str) -> String {
    format!("{layer}/{array}")
}
