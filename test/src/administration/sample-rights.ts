export const mayAll = (resource: string) => ({ context: 'http', resource, operation: 'readWrite' });
export const administratorToo = { roles: ['administrator'] };
export const missingId = '00000000-0000-4000-8000-000000000000';
