// The types that an application can name of what a definition is made of: those that the door's own types speak of, and no more.
export type { Principal } from '../../base/ids.ts';
export type { EphemeralOptions, Ephemerals, EphemeralsOf } from '../view/ephemeral-plan.ts';
export type { All, Open, Requires, ViewerIs } from '../view/privacy.ts';
export type {
  AnswerValue,
  Context,
  Definition,
  EffectResult,
  InventPolicy,
  Issue,
  QuotaLimits,
  Receipt,
  StandardSchema,
  Validation,
} from './definition.ts';
export type {
  Draft,
  EntryDraft,
  Input,
  KeyedRows,
  ListDraft,
  MapDraft,
  Query,
  Row,
  RowInput,
  Rows,
  TableDraft,
  UnkeyedTableDraft,
} from './drafts.ts';
export type {
  BigintField,
  BooleanField,
  DateTimeField,
  DoubleField,
  EntryField,
  EnumField,
  Field,
  Held,
  IndexField,
  IntField,
  ItemField,
  JsonField,
  KeyField,
  ListField,
  MapField,
  MaybeField,
  NullableField,
  PrincipalField,
  RecordField,
  RowPartField,
  RowShape,
  ScalarField,
  Shape,
  StringField,
  TableField,
  ValueField,
} from './fields.ts';
export type { EntryReading, ListReading, MapReading, Reading, RowOf, TableReading } from './reading.ts';
export type { Former, MigrationStep, StepInput, Steps } from './steps.ts';
