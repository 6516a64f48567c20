// The scheduled run as an Azure Container Apps job with a user-assigned identity. With more than one replica the fleet is
// shared out among them through the ledger in PostgreSQL. Workload files stand on a share of the environment's storage.

@description('Region of the job; that of its environment.')
param location string = resourceGroup().location

@description('Resource id of the Container Apps environment.')
param environmentId string

@description('Name of the storage of the environment that holds the workload files.')
param fleetStorage string = 'fleet'

@description('Image made from container/Dockerfile.')
param image string

@description('Resource id of the user-assigned identity; it has the roles of roles/reader.json and roles/applier.json.')
param identityId string

@description('Client id of the same identity.')
param identityClientId string

@description('Key Vault secret with the address of the ledger, postgresql://…')
param ledgerSecretUri string

@description('Key Vault secret with the address Slack gave out.')
param slackSecretUri string

@description('When to run, as a cron expression in UTC.')
param schedule string = '*/15 * * * *'

@description('How many replicas share the fleet.')
@minValue(1)
param replicas int = 2

resource job 'Microsoft.App/jobs@2024-03-01' = {
  name: 'allowlist-sync'
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      triggerType: 'Schedule'
      replicaTimeout: 7200
      replicaRetryLimit: 0
      scheduleTriggerConfig: {
        cronExpression: schedule
        parallelism: replicas
        replicaCompletionCount: replicas
      }
      secrets: [
        {
          name: 'ledger'
          keyVaultUrl: ledgerSecretUri
          identity: identityId
        }
        {
          name: 'slack'
          keyVaultUrl: slackSecretUri
          identity: identityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'allowlist'
          image: image
          args: [
            'sync'
            '--workload=/etc/allowlist'
            '--shard=auto/${replicas}'
            '--credential=managed-identity'
            '--log-format=json'
          ]
          env: [
            {
              name: 'AZURE_CLIENT_ID'
              value: identityClientId
            }
            {
              name: 'ALLOWLIST_LEDGER'
              secretRef: 'ledger'
            }
            {
              name: 'ALLOWLIST_SLACK'
              secretRef: 'slack'
            }
          ]
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          volumeMounts: [
            {
              volumeName: 'fleet'
              mountPath: '/etc/allowlist'
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'fleet'
          storageType: 'AzureFile'
          storageName: fleetStorage
        }
      ]
    }
  }
}

output jobName string = job.name
