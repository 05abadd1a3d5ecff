//! References to devices and file objects: `ObfReferenceObject` and `ObfDereferenceObject`.

use wdm_irp::sys::DISPATCH_LEVEL;

use crate::kernel::Kernel;
use crate::kernel::references::Change;
use crate::report::kind::ViolationKind;
use crate::sync::lock;

impl Kernel {
    /// Adds a reference and returns how many there are (`ObfReferenceObject`).
    pub(crate) fn ObfReferenceObject(&self, object: usize) -> isize {
        const FUNCTION: &str = "ObfReferenceObject";
        if !self.is_object(object, FUNCTION) {
            return 0;
        }
        let (name, count) = {
            let mut ledger = lock(&self.ledger);
            let Some(record) = ledger.objects.get_mut(&object) else {
                return 0;
            };
            record.references += 1;
            (record.name.clone(), record.count())
        };
        self.call(None, format!("{FUNCTION}({name}) returned {count}"));
        count.cast_signed()
    }

    /// Takes a reference away and returns how many are left (`ObfDereferenceObject`).
    pub(crate) fn ObfDereferenceObject(&self, object: usize) -> isize {
        self.dereference(object, "ObfDereferenceObject")
    }

    /// Takes a reference away (`ObDereferenceObjectDeferDelete`).
    ///
    /// In the model a deletion runs no code of drivers, so that it is not deferred.
    pub(crate) fn ObDereferenceObjectDeferDelete(&self, object: usize) {
        self.dereference(object, "ObDereferenceObjectDeferDelete");
    }

    fn dereference(&self, object: usize, function: &str) -> isize {
        if !self.is_object(object, function) {
            return 0;
        }
        let name = lock(&self.ledger).objects[&object].name.clone();
        // Recorded before it happens: then the object may be gone.
        self.call(None, format!("{function}({name})"));
        let Some(left) = self.change_object(object, Change::Released) else {
            let text = format!("{function} on {name}, to which the drivers have no reference");
            self.violate(ViolationKind::ObjectOverDereferenced, None, &text);
            return 0;
        };
        left.cast_signed()
    }

    /// Checks the IRQL, and that there is an object.
    fn is_object(&self, object: usize, function: &str) -> bool {
        self.check_irql(DISPATCH_LEVEL, None, function);
        let found = {
            let ledger = lock(&self.ledger);
            match ledger.objects.get(&object) {
                None => Some((
                    ViolationKind::UnknownObject,
                    format!("{function} on something that is no object"),
                )),
                Some(record) if record.gone => Some((
                    ViolationKind::DeletedObjectUsed,
                    format!("{function} on {}, which is deleted", record.name),
                )),
                Some(_) => None,
            }
        };
        let Some((kind, text)) = found else {
            return true;
        };
        self.violate(kind, None, &text);
        false
    }
}
