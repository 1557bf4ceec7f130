//! Networks, their weights, the state of their training.

use std::cell::RefCell;

use nn_core::checkpoint::load_weights;
use nn_core::keras::weights::load_safetensors;
use nn_core::model::{Network, Sequential};
use nn_core::train::TrainingState;

use super::common::{Outcome, file, is_small, message};

/// The network whose weights and state are read.
const NETWORK: &str = r#"{"name": "tiny", "input_shape": [3], "layers": [
    {"class_name": "Dense", "config": {"name": "a", "units": 2}},
    {"class_name": "BatchNormalization", "config": {"name": "b"}}]}"#;

thread_local! {
    static BUILT: RefCell<Network<f32>> = RefCell::new(build());
}

fn build() -> Network<f32> {
    Sequential::from_json(NETWORK).map(|network| network.build(0)).unwrap().unwrap()
}

/// The JSON of a network.
pub fn network(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("not text".into()) };
    let network = Sequential::from_json(text).map_err(message)?;
    let written = network.to_json();
    assert_eq!(Sequential::from_json(&written).map(|again| again.to_json()).ok().as_ref(), Some(&written));
    if is_small(text) {
        let built = network.build::<f32>(0).map_err(message)?;
        return Ok(format!("{written} {}", built.count_params()));
    }
    Ok(written)
}

/// A file of weights, and one in which layers stand by name, as features are kept.
pub fn weights(bytes: &[u8]) -> Outcome {
    let path = file("weights.safetensors", bytes);
    if let Ok(layers) = load_safetensors(&path).map_err(message) {
        return Ok(format!("{layers:?}"));
    }
    BUILT.with_borrow_mut(|network| {
        load_weights(network, &path).map_err(message)?;
        Ok(values(network))
    })
}

fn values(network: &Network<f32>) -> String {
    let numbers: Vec<f32> = network.params().flat_map(|(_, param)| param.value.iter().copied()).collect();
    assert!(numbers.iter().all(|number| number.is_finite()), "a weight is not finite");
    format!("{numbers:?}")
}

/// A state of training: as it is, and with the checksum that it should have. A change would hardly ever get past that.
pub fn state(bytes: &[u8]) -> Outcome {
    let read = |bytes: &[u8]| match TrainingState::<f32>::load(&file("state.safetensors", bytes)) {
        Ok(state) => Ok(format!("{state:?}")),
        Err(error) => Err(message(error)),
    };
    if let Some(checked) = with_checksum(bytes) {
        let _ = read(&checked);
    }
    read(bytes)
}

/// The checksum is of the file with zeros in its own place.
fn with_checksum(bytes: &[u8]) -> Option<Vec<u8>> {
    const KEY: &[u8] = b"\"training_state\":\"";
    let place = bytes.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let mut bytes = bytes.to_vec();
    bytes.get_mut(place..place + 8)?.fill(b'0');
    let checksum = format!("{:08x}", crc32fast::hash(&bytes));
    bytes[place..place + 8].copy_from_slice(checksum.as_bytes());
    Some(bytes)
}
