// What a definition says of quotas, checked.
import type { QuotaLimits, QuotaPlan } from './definition.ts';
import { invalid } from './fields.ts';

const names: ReadonlySet<string> = new Set(['documents', 'bytes', 'createsPerMinute']);

/** APP_INVALID with the path of what is no whole number from 0 on. */
export function planQuota(quota: { readonly space?: QuotaLimits; readonly principal?: QuotaLimits }): QuotaPlan {
  for (const [whose, limits] of Object.entries(quota)) {
    if (whose !== 'space' && whose !== 'principal') throw invalid(`quota.${whose}`, 'a quota is of space or principal');
    for (const [name, value] of Object.entries((limits ?? {}) as Record<string, unknown>)) {
      const path = `quota.${whose}.${name}`;
      if (!names.has(name)) throw invalid(path, 'it is of documents, bytes or createsPerMinute');
      if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid(path, 'it is a whole number from 0 on');
    }
  }
  return { space: { ...quota.space }, principal: { ...quota.principal } };
}
