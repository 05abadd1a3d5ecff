//! Makes the input that a seed stands for.

use super::input::Input;
use super::material::Material;
use super::random::Random;

impl Material {
    /// Returns the input that `seed` stands for.
    pub(super) fn input(&self, seed: u64) -> Input {
        let random = &mut Random::new(seed);
        let raw = random.once_in(2);
        let (all_args, functions) = if raw {
            (&self.raw_args, &self.raw)
        } else {
            (&self.typed_args, &self.typed)
        };
        let mut args = random.choose(all_args).clone();
        let mut item = random.choose(functions).clone();
        match random.below(12) {
            0 => item = self.soup(3, random),
            1 => args = self.soup(1, random),
            2 => {
                for _ in 0..=random.below(3) {
                    self.mutate(&mut args, random);
                }
            }
            3..7 => {
                item = self.function(random);
                if random.once_in(8) {
                    self.mutate(&mut item, random);
                }
            }
            _ => {
                for _ in 0..=random.below(4) {
                    self.mutate(&mut item, random);
                }
                if random.once_in(8) {
                    self.mutate(&mut args, random);
                }
            }
        }
        Input::new(&self.places, args, item)
    }
}
